-- The months from the first change of MRR to the as-of date.
with recursive changes as (
    select min(change_date) as first_date
    from {{ ref('int_unit_native_mrr_changes') }}
),

months as (
    select {{ first_of_month('first_date') }} as month
    from changes
    where first_date is not null
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
