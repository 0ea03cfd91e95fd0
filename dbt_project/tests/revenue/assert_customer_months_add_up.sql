-- opening + movements = closing, per policy, customer and month, to the cent (metrics.md 4).
select *
from {{ ref('fct_mrr_by_customer_month') }}
where opening_mrr + new_mrr + reactivation_mrr + expansion_mrr + contraction_mrr + churn_mrr
    + fx_mrr
    <> closing_mrr
