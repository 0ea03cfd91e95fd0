-- Customers sum to the total, and so does every segment type (faults.md, invariant 3).
with customers as (
    select
        policy_id,
        month,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        sum(new_mrr) as new_mrr,
        sum(churn_mrr) as churn_mrr
    from {{ ref('fct_mrr_by_customer_month') }}
    group by
        policy_id,
        month
),

segments as (
    select
        policy_id,
        month,
        segment_type,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        sum(new_mrr) as new_mrr,
        sum(churn_mrr) as churn_mrr
    from {{ ref('fct_mrr_by_month') }}
    group by
        policy_id,
        month,
        segment_type
)

select segments.*
from segments
left join customers
    on segments.policy_id = customers.policy_id
    and segments.month = customers.month
where segments.opening_mrr <> coalesce(customers.opening_mrr, 0)
    or segments.closing_mrr <> coalesce(customers.closing_mrr, 0)
    or segments.new_mrr <> coalesce(customers.new_mrr, 0)
    or segments.churn_mrr <> coalesce(customers.churn_mrr, 0)
