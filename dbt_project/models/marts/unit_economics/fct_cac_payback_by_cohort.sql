with margins as (
    select * from {{ ref('int_cohort_margins') }}
),

costs as (
    select * from {{ ref('int_cac_by_period') }}
    where period_type = 'month'
),

joined as (
    select
        margins.*,
        costs.loading,
        costs.loading_no,
        costs.cac,
        costs.cac_reason,
        margins.cumulative_margin_per_customer >= costs.cac as is_paid_back
    from margins
    inner join costs
        on margins.policy_id = costs.policy_id
        and margins.cohort_month = costs.period_start
        and margins.is_blended = costs.is_blended
        and margins.channel = costs.channel
),

-- The first age counts: what is paid back stays so, though margins may turn negative later.
with_first as (
    select
        *,
        min(case when is_paid_back and is_complete then months_since end) over (
            partition by policy_id, cohort_month, is_blended, channel, loading
        ) as first_paid_back_age
    from joined
),

final as (
    select
        policy_id,
        cohort_month,
        is_blended,
        channel,
        loading,
        loading_no,
        months_since,
        customers_initial,
        cumulative_margin,
        cumulative_margin_per_customer,
        cast(cac as decimal(18, 2)) as cac,
        is_paid_back,
        first_paid_back_age as paid_back_at_months_since,
        first_paid_back_age + 1 as payback_months,
        case
            when cac_reason is not null then cac_reason
            when first_paid_back_age is null then 'not_yet_paid_back'
        end as reason,
        customers_initial < {{ small_sample_size() }} as is_small_sample,
        is_complete
    from with_first
)

select * from final
