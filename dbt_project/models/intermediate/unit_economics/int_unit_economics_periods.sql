-- Which months a period holds: month, quarter, year, and the twelve months up to each month. One
-- row per period and month.
with months as (
    select * from {{ ref('int_unit_economics_months') }}
),

first_month as (
    select min(month) as month from months
),

calendar as (
    {%- for period_type in ['month', 'quarter', 'year'] %}
    select
        '{{ period_type }}' as period_type,
        cast(date_trunc('{{ period_type }}', month) as date) as period_start,
        month
    from months
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

twelve_months as (
    select
        'trailing_12_months' as period_type,
        {{ add_months('last_months.month', -11) }} as period_start,
        months.month
    from months as last_months
    inner join months
        on months.month <= last_months.month
        and months.month >= {{ add_months('last_months.month', -11) }}
),

every_period as (
    select * from calendar
    union all
    select * from twelve_months
),

dated as (
    select
        *,
        {{ add_days(add_months(
            'period_start',
            "case period_type when 'month' then 1 when 'quarter' then 3 else 12 end"
        ), -1) }} as last_date
    from every_period
),

final as (
    select
        dated.period_type,
        dated.period_start,
        dated.month,
        max(dated.month) over (
            partition by dated.period_type, dated.period_start
        ) as last_month,
        -- Twelve months are not complete before the company is twelve months old.
        dated.last_date <= {{ as_of_date() }}
        and (
            dated.period_type <> 'trailing_12_months'
            or dated.period_start >= first_month.month
        ) as is_complete
    from dated
    cross join first_month
)

select * from final
