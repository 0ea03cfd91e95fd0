-- The figures as closed. One row per close, policy and customer.
select
    close_id,
    policy_id,
    customer_id,
    opening_mrr,
    new_mrr,
    reactivation_mrr,
    expansion_mrr,
    contraction_mrr,
    churn_mrr,
    fx_mrr,
    closing_mrr
from {{ source('control', 'closed_rows') }}
