-- Whatever the official policy counts (customers, parents, subscriptions): what customers pay now
-- is what the running month closes with.
with customers as (
    select sum(current_mrr) as current_mrr
    from {{ ref('dim_customers') }}
),

months as (
    select sum(closing_mrr) as closing_mrr
    from {{ ref('fct_mrr_by_customer_month') }}
    where policy_id = '{{ var("official_policy") }}'
        and month = {{ first_of_month(as_of_date()) }}
)

select *
from customers
cross join months
where coalesce(customers.current_mrr, 0) <> coalesce(months.closing_mrr, 0)
