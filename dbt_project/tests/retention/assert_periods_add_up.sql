-- start + movements = end, in money and in customers, and churn is voluntary or involuntary
-- (docs/retention_rules.md 2 and 3).
select *
from {{ ref('fct_retention_by_period') }}
where mrr_start + new_mrr + reactivation_mrr + expansion_mrr + contraction_mrr + churn_mrr + fx_mrr
    <> mrr_end
    or voluntary_churn_mrr + involuntary_churn_mrr <> churn_mrr
    or mrr_start + expansion_mrr + contraction_mrr + churn_mrr + fx_mrr
    <> mrr_end_of_start_customers
    or customers_start + customers_won - customers_lost_of_start <> customers_end
