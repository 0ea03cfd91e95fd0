{%- set lengths = {'month': 1, 'quarter': 3, 'year': 12} -%}

-- Months, quarters and years of the calendar, from the first month to the running one
-- (docs/retention_rules.md 1). One row per period.
with months as (
    select * from {{ ref('int_months') }}
),

periods as (
    {%- for period_type, length in lengths.items() %}
    select
        '{{ period_type }}' as period_type,
        cast(date_trunc('{{ period_type }}', month) as date) as period_start,
        {{ length }} as months_long
    from months
    group by
        cast(date_trunc('{{ period_type }}', month) as date)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

dated as (
    select
        *,
        {{ add_days(add_months('period_start', 'months_long'), -1) }} as last_date
    from periods
),

ends as (
    select
        period_type,
        period_start,
        {{ add_days('period_start', -1) }} as start_date,
        least(last_date, {{ as_of_date() }}) as end_date,
        last_date <= {{ as_of_date() }} as is_complete
    from dated
),

final as (
    select
        period_type,
        period_start,
        start_date,
        end_date,
        -- The end of a month goes to the end of that month, any other day keeps its number.
        case
            when end_date = last_day(end_date)
                then last_day({{ add_months(first_of_month('end_date'), -12) }})
            else {{ add_months('end_date', -12) }}
        end as year_before_date,
        is_complete
    from ends
)

select * from final
