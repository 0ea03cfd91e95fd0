-- Whom a quarterly review is made for: customers that pay as of the as-of date, with the days that
-- it looks at. One row per customer.
with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
),

review_days as (
    {{ review_window() }}
),

final as (
    select
        customers.*,
        review_days.from_date,
        review_days.earlier_from_date,
        review_days.days
    from customers
    cross join review_days
)

select * from final
