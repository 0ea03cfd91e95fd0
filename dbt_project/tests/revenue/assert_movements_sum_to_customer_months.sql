-- Day movements and month rows tell the same story, per policy, customer and month.
with movements as (
    select
        policy_id,
        customer_id,
        month,
        sum(mrr_change) as mrr_change
    from {{ ref('fct_mrr_movements') }}
    group by
        policy_id,
        customer_id,
        month
),

customer_months as (
    select * from {{ ref('fct_mrr_by_customer_month') }}
)

select
    customer_months.*,
    movements.mrr_change
from customer_months
full outer join movements
    on customer_months.policy_id = movements.policy_id
    and customer_months.customer_id = movements.customer_id
    and customer_months.month = movements.month
where coalesce(movements.mrr_change, 0)
    <> coalesce(customer_months.closing_mrr - customer_months.opening_mrr, 0)
