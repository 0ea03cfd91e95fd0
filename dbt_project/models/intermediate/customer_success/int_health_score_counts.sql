-- How many customers had which score at the end of a month, and how many of them churned in the
-- days after it. A customer's score is the lowest of its accounts. One row per scope, month end
-- (pooled: the last one) and score.
with customers as (
    select * from {{ ref('int_backtest_customers') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

scores as (
    select * from {{ ref('int_health_seen') }}
    where is_month_end
),

scored as (
    select
        customers.customer_id,
        customers.month_end_date,
        customers.is_pooled,
        customers.is_churned,
        min(scores.score) as score
    from customers
    inner join accounts
        on customers.customer_id = accounts.customer_id
    inner join scores
        on accounts.account_id = scores.account_id
        and customers.month_end_date = scores.seen_date
    group by
        customers.customer_id,
        customers.month_end_date,
        customers.is_pooled,
        customers.is_churned
),

scoped as (
    select
        'month' as scope,
        month_end_date as as_of_date,
        score,
        is_churned
    from scored
    union all
    select
        'pooled',
        max(month_end_date) over (),
        score,
        is_churned
    from scored
    where is_pooled
),

final as (
    select
        scope,
        as_of_date,
        score,
        count(*) as customers,
        cast(sum(case when is_churned then 1 else 0 end) as bigint) as churned
    from scoped
    group by
        scope,
        as_of_date,
        score
)

select * from final
