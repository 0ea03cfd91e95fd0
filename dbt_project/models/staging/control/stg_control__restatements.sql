-- What earlier releases found to differ from the closed figures. One row per release, close,
-- policy and customer.
select
    release_n,
    close_id,
    policy_id,
    customer_id,
    run_id,
    cause,
    source_ids,
    opening_mrr,
    new_mrr,
    reactivation_mrr,
    expansion_mrr,
    contraction_mrr,
    churn_mrr,
    fx_mrr,
    closing_mrr,
    restated_at
from {{ source('control', 'restatements') }}
