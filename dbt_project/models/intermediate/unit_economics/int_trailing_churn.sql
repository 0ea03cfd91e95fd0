-- Churn of the last six complete months: up to a complete month itself, up to the month before the
-- running one. One row per policy, month and segment; the rates are in parts of 10^12.
with sums as (
    select * from {{ ref('int_ltv_sums_by_month') }}
),

months as (
    select
        month,
        case when is_complete then month else {{ add_months('month', -1) }} end
            as last_complete_month
    from {{ ref('int_months') }}
),

rates as (
    select
        *,
        cast({{ exact_divide('lost', 'base', 12) }} * 1000000000000 as decimal(38, 0)) as rate_e12
    from sums
    where base > 0
),

final as (
    select
        sums.policy_id,
        sums.month,
        sums.segment_type,
        sums.segment_value,
        count(*) as months,
        sum(rates.rate_e12) as trailing_e12,
        sum(rates.base) as trailing_base,
        sum(rates.lost) as trailing_lost
    from sums
    inner join months
        on sums.month = months.month
    inner join rates
        on sums.policy_id = rates.policy_id
        and sums.segment_type = rates.segment_type
        and sums.segment_value = rates.segment_value
        and rates.month >= {{ add_months('months.last_complete_month', -5) }}
        and rates.month <= months.last_complete_month
    group by
        sums.policy_id,
        sums.month,
        sums.segment_type,
        sums.segment_value
    -- Fewer months are no mean of six.
    having count(*) = 6
)

select * from final
