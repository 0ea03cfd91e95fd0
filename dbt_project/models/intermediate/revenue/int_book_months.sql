-- The months from the first day that is earned, billed or paid to the as-of date. One row per
-- month.
with recursive first_days as (
    select
        least(
            (select min(entry_date) from {{ ref('int_receivable_entries') }}),
            (select min(earned_from_date) from {{ ref('int_revenue_lines') }})
        ) as first_date
),

months as (
    select {{ first_of_month('first_date') }} as month
    from first_days
    where first_date is not null
        and first_date <= {{ as_of_date() }}
    union all
    select {{ add_months('month', 1) }} as month
    from months
    where {{ add_months('month', 1) }} <= {{ as_of_date() }}
),

final as (
    select
        month,
        {{ month_end_seen('month') }} as month_end_date,
        last_day(month) <= {{ as_of_date() }} as is_complete
    from months
)

select * from final
