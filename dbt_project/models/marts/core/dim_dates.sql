-- The days from the first month with MRR to the as-of date: what MetricFlow joins times to.
with months as (
    select * from {{ ref('int_months') }}
),

day_numbers as (
    {%- for number in range(31) %}
    select {{ number }} as days_on{{ ' union all' if not loop.last }}
    {%- endfor %}
),

days as (
    select {{ add_days('months.month', 'day_numbers.days_on') }} as calendar_date
    from months
    inner join day_numbers
        on {{ add_days('months.month', 'day_numbers.days_on') }} <= months.month_end_date
),

final as (
    select
        calendar_date,
        cast(date_trunc('week', calendar_date) as date) as week_start_date,
        {{ first_of_month('calendar_date') }} as month,
        cast(date_trunc('quarter', calendar_date) as date) as quarter_start_date,
        cast(date_trunc('year', calendar_date) as date) as year_start_date
    from days
)

select * from final
