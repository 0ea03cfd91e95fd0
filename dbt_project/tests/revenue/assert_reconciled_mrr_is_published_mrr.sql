-- The subscription side of the reconciliation is the MRR that is published, wherever the official
-- policy counts by customer, values at period ends and lets refunds be.
with policies as (
    select policy_id
    from {{ ref('int_metric_policies_enabled') }}
    where policy_id = '{{ var("official_policy") }}'
        and grain = 'customer'
        and fx = 'period_end'
        and refunds = 'ignored'
),

published as (
    select
        figures.customer_id,
        figures.month,
        figures.closing_mrr
    from {{ ref('fct_mrr_by_customer_month') }} as figures
    inner join policies
        on figures.policy_id = policies.policy_id
),

reconciled as (
    select
        figures.customer_id,
        figures.month,
        figures.subscription_mrr
    from {{ ref('fct_mrr_invoice_reconciliation') }} as figures
    inner join policies
        on figures.policy_id = policies.policy_id
)

select
    coalesce(published.customer_id, reconciled.customer_id) as customer_id,
    coalesce(published.month, reconciled.month) as month,
    published.closing_mrr,
    reconciled.subscription_mrr
from published
full outer join reconciled
    on published.customer_id = reconciled.customer_id
    and published.month = reconciled.month
where coalesce(published.closing_mrr, 0) <> coalesce(reconciled.subscription_mrr, 0)
