-- Every paying customer is in exactly one cohort, and in one member of each segment type: their MRR
-- sums to the month's closing, and members of a cohort to the whole of it (faults.md, invariants 3
-- and 10).
with cohorts as (
    select
        policy_id,
        {{ add_months('cohort_month', 'months_since') }} as month,
        segment_type,
        sum(customers_active) as customers_active,
        sum(mrr_active) as mrr_active
    from {{ ref('fct_retention_by_cohort_month') }}
    group by
        policy_id,
        {{ add_months('cohort_month', 'months_since') }},
        segment_type
),

segment_types as (
    {%- for segment_type in ['all'] + segment_types() %}
    select '{{ segment_type }}' as segment_type
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

months as (
    select
        months.*,
        segment_types.segment_type as cohort_segment_type
    from {{ ref('fct_mrr_by_month') }} as months
    cross join segment_types
    where months.segment_type = 'all'
)

select
    months.policy_id,
    months.month,
    months.cohort_segment_type as segment_type,
    months.closing_mrr,
    cohorts.mrr_active,
    months.closing_customers,
    cohorts.customers_active
from months
left join cohorts
    on months.policy_id = cohorts.policy_id
    and months.month = cohorts.month
    and months.cohort_segment_type = cohorts.segment_type
where months.closing_mrr <> coalesce(cohorts.mrr_active, 0)
    or months.closing_customers <> coalesce(cohorts.customers_active, 0)
