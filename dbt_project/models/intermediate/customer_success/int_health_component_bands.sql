-- The bands of every component of an account's health: where its signal is known at all (50
-- points), where it is green (50 more) and where it is red (50 fewer). One row per account,
-- component, band and stretch [from_date, to_date) inside one configuration.
with configurations as (
    select * from {{ ref('int_health_configurations') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

signals as (
    select * from {{ ref('int_signals_measured') }}
),

applied as (
    select
        signals.account_id,
        signals.from_date,
        signals.to_date,
        signals.value,
        signals.slope,
        configurations.component,
        configurations.config_from_date,
        configurations.config_to_date,
        configurations.weight,
        configurations.red_from,
        configurations.green_from
    from signals
    inner join accounts
        on signals.account_id = accounts.account_id
    inner join configurations
        on signals.signal = configurations.signal
        and accounts.segment = configurations.segment
        and signals.from_date < configurations.config_to_date
        and signals.to_date > configurations.config_from_date
),

conditions as (
    select
        *,
        'known' as band,
        '' as comparator,
        cast(0 as decimal(18, 6)) as threshold
    from applied
    union all
    select
        *,
        'green',
        case when green_from > red_from then '>=' else '<=' end,
        green_from
    from applied
    union all
    select
        *,
        'red',
        case when green_from > red_from then '<=' else '>=' end,
        red_from
    from applied
),

held as (
    select
        account_id,
        component,
        band,
        weight,
        config_from_date,
        greatest(
            case when band = 'known' then from_date else {{ hold_from_date() }} end,
            config_from_date
        ) as from_date,
        least(
            case when band = 'known' then to_date else {{ hold_to_date() }} end, config_to_date
        ) as to_date
    from conditions
    where band = 'known'
        or {{ compares() }}
),

final as (
    {{ merged_stretches(
        'held', ['account_id', 'component', 'band', 'weight', 'config_from_date']
    ) }}
)

select * from final
where from_date <= {{ as_of_date() }}
