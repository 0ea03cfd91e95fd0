-- Every paying customer is in exactly one cohort: their MRR sums to the month's closing.
with cohorts as (
    select
        policy_id,
        {{ add_months('cohort_month', 'months_since') }} as month,
        sum(customers_active) as customers_active,
        sum(mrr_active) as mrr_active
    from {{ ref('fct_retention_by_cohort_month') }}
    where segment_type = 'all'
    group by
        policy_id,
        {{ add_months('cohort_month', 'months_since') }}
),

months as (
    select * from {{ ref('fct_mrr_by_month') }}
    where segment_type = 'all'
)

select
    months.policy_id,
    months.month,
    months.closing_mrr,
    cohorts.mrr_active,
    months.closing_customers,
    cohorts.customers_active
from months
left join cohorts
    on months.policy_id = cohorts.policy_id
    and months.month = cohorts.month
where months.closing_mrr <> coalesce(cohorts.mrr_active, 0)
    or months.closing_customers <> coalesce(cohorts.customers_active, 0)
