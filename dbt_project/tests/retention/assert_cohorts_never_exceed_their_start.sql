-- A cohort's members are fixed: never more active than there were, gross MRR never above the start
-- (faults.md, invariants 8 and 10).
select *
from {{ ref('fct_retention_by_cohort_month') }}
where customers_active > customers_initial
    or gross_mrr_active > mrr_initial
    or gross_mrr_active > mrr_active
