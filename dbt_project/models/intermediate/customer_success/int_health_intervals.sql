-- The health score of an account: the weighted mean of the points of its known components. One row
-- per account and stretch [from_date, to_date) of one score, within one configuration.
with bands as (
    select * from {{ ref('int_health_component_bands') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

configurations as (
    select
        config_from_date,
        config_to_date,
        health_version_id,
        segment,
        max(total_weight) as total_weight
    from {{ ref('int_health_configurations') }}
    group by
        config_from_date,
        config_to_date,
        health_version_id,
        segment
),

changes as (
    select
        account_id,
        from_date as change_date,
        case when band = 'known' then weight else 0 end as weight_change,
        case when band = 'red' then -50 else 50 end * weight as points_change
    from bands
    union all
    select
        account_id,
        to_date,
        case when band = 'known' then -weight else 0 end,
        case when band = 'red' then 50 else -50 end * weight
    from bands
    where to_date <= {{ as_of_date() }}
),

days as (
    select
        account_id,
        change_date,
        sum(weight_change) as weight_change,
        sum(points_change) as points_change
    from changes
    group by
        account_id,
        change_date
    having sum(weight_change) <> 0
        or sum(points_change) <> 0
),

swept as (
    select
        account_id,
        change_date as from_date,
        coalesce(lead(change_date) over account_days, {{ end_of_time() }}) as to_date,
        sum(weight_change) over account_days as known_weight,
        sum(points_change) over account_days as points
    from days
    window account_days as (partition by account_id order by change_date)
),

final as (
    select
        swept.account_id,
        greatest(swept.from_date, configurations.config_from_date) as from_date,
        least(swept.to_date, configurations.config_to_date) as to_date,
        cast({{ ratio('swept.points', 'swept.known_weight') }} as decimal(9, 4)) as score,
        cast(
            {{ ratio('swept.known_weight', 'configurations.total_weight') }} as decimal(9, 6)
        ) as coverage,
        configurations.health_version_id
    from swept
    inner join accounts
        on swept.account_id = accounts.account_id
    inner join configurations
        on accounts.segment = configurations.segment
        and swept.from_date < configurations.config_to_date
        and swept.to_date > configurations.config_from_date
)

select * from final
