-- The same per policy, month and segment, in customers too.
select *
from {{ ref('fct_mrr_by_month') }}
where opening_mrr + new_mrr + reactivation_mrr + expansion_mrr + contraction_mrr + churn_mrr
    + fx_mrr
    <> closing_mrr
    or opening_customers + new_customers + reactivated_customers - churned_customers
    <> closing_customers
