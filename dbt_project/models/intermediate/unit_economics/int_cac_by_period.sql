-- What a won customer cost, by period, channel and loading, with its interval
-- (docs/unit_economics_rules.md 3). One row per policy, period, channel and loading; blended rows
-- are all channels together.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

periods as (
    select * from {{ ref('int_unit_economics_periods') }}
),

loadings as (
    select
        loading,
        loading_no
    from {{ ref('cac_loadings') }}
    group by
        loading,
        loading_no
),

won as (
    select * from {{ ref('int_customers_won') }}
),

spend as (
    select * from {{ ref('int_spend_loaded') }}
),

every_channel as (
    select channel from won
    union
    select channel from spend
),

channels as (
    select
        false as is_blended,
        channel
    from every_channel
    union all
    select
        true as is_blended,
        'all' as channel
),

period_spend as (
    select
        periods.period_type,
        periods.period_start,
        grouping(spend.channel) = 1 as is_blended,
        coalesce(spend.channel, 'all') as channel,
        spend.loading,
        sum(spend.spend) as spend
    from spend
    inner join periods
        on spend.month = periods.month
    group by grouping sets (
        (periods.period_type, periods.period_start, spend.loading),
        (periods.period_type, periods.period_start, spend.loading, spend.channel)
    )
),

period_won as (
    select
        won.policy_id,
        periods.period_type,
        periods.period_start,
        grouping(won.channel) = 1 as is_blended,
        coalesce(won.channel, 'all') as channel,
        sum(won.customers_won) as customers_won,
        sum(won.new_mrr) as new_mrr
    from won
    inner join periods
        on won.month = periods.month
    group by grouping sets (
        (won.policy_id, periods.period_type, periods.period_start),
        (won.policy_id, periods.period_type, periods.period_start, won.channel)
    )
),

period_ends as (
    select
        period_type,
        period_start,
        last_month,
        is_complete
    from periods
    group by all
),

keys as (
    select
        policies.policy_id,
        period_ends.*,
        channels.is_blended,
        channels.channel,
        loadings.loading,
        loadings.loading_no
    from policies
    cross join period_ends
    cross join channels
    cross join loadings
),

joined as (
    select
        keys.*,
        period_spend.spend,
        coalesce(period_won.customers_won, 0) as customers_won,
        coalesce(period_won.new_mrr, 0) as new_mrr
    from keys
    left join period_spend
        on keys.period_type = period_spend.period_type
        and keys.period_start = period_spend.period_start
        and keys.is_blended = period_spend.is_blended
        and keys.channel = period_spend.channel
        and keys.loading = period_spend.loading
    left join period_won
        on keys.policy_id = period_won.policy_id
        and keys.period_type = period_won.period_type
        and keys.period_start = period_won.period_start
        and keys.is_blended = period_won.is_blended
        and keys.channel = period_won.channel
),

-- A channel has its rows, at every loading, where it spent or won anything.
active as (
    select
        *,
        max(spend) over (
            partition by policy_id, period_type, period_start, is_blended, channel
        ) as any_spend
    from joined
),

judged as (
    select
        *,
        case when spend >= 0 then cast(spend as double) end as spent,
        {{ poisson('customers_won', 'high') }} as most_won,
        nullif({{ poisson('customers_won', 'low') }}, 0) as least_won,
        case
            when spend is null then 'no_spend'
            when spend < 0 then 'net_credit'
            when customers_won = 0 then 'no_customers_won'
        end as cac_reason
    from active
    where is_blended
        or any_spend is not null
        or customers_won > 0
),

final as (
    select
        policy_id,
        period_type,
        period_start,
        last_month,
        is_complete,
        is_blended,
        channel,
        loading,
        loading_no,
        spend,
        customers_won,
        new_mrr,
        case when cac_reason is null then {{ money_ratio('spend', 'customers_won') }} end as cac,
        {{ estimated_money('spent / most_won') }} as cac_low,
        {{ estimated_money('spent / least_won') }} as cac_high,
        cac_reason
    from judged
)

select * from final
