-- The twelve months after the as-of date's. One row per month, months_ahead from 1.
with recursive ahead as (
    select
        1 as months_ahead,
        {{ add_months(first_of_month(as_of_date()), 1) }} as month
    union all
    select
        months_ahead + 1 as months_ahead,
        {{ add_months('month', 1) }} as month
    from ahead
    where months_ahead < 12
),

final as (
    select
        month,
        months_ahead
    from ahead
)

select * from final
