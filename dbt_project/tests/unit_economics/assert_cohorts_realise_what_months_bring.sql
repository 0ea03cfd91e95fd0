-- Every month's margin is in exactly one cohort and channel: cohorts sum to MRR x gross margin,
-- up to the rounding of each customer's month to a cent.
with cohorts as (
    select
        policy_id,
        {{ add_months('cohort_month', 'months_since') }} as month,
        sum(margin) as margin,
        sum(customers_active) as customers
    from {{ ref('fct_ltv_by_cohort_month') }}
    group by
        policy_id,
        {{ add_months('cohort_month', 'months_since') }}
),

margins as (
    select
        policy_id,
        month,
        coalesce(mrr * gross_margin, 0) as margin
    from {{ ref('int_gross_margins') }}
)

select
    margins.*,
    cohorts.margin as cohort_margin
from margins
left join cohorts
    on margins.policy_id = cohorts.policy_id
    and margins.month = cohorts.month
where abs(margins.margin - coalesce(cohorts.margin, 0)) > 0.005 * coalesce(cohorts.customers, 0)
