-- Membership never changes: a cohort is as large at every age as at age 0, and those never lost
-- only become fewer (faults.md, invariant 10).
with ages as (
    select
        *,
        lag(customers_initial) over cohort_history as customers_initial_before,
        lag(mrr_initial) over cohort_history as mrr_initial_before,
        lag(customers_never_lost) over cohort_history as customers_never_lost_before,
        lag(months_since) over cohort_history as months_since_before
    from {{ ref('fct_retention_by_cohort_month') }}
    window cohort_history as (
        partition by policy_id, cohort_month, segment_type, segment_value order by months_since
    )
)

select *
from ages
where customers_initial <> customers_initial_before
    or mrr_initial <> mrr_initial_before
    or customers_never_lost > customers_never_lost_before
    or customers_never_lost > customers_active
    or months_since <> coalesce(months_since_before + 1, 0)
