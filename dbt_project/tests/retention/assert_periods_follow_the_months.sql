-- A period opens where the month before it closed and closes where its last month does, in every
-- segment (faults.md, invariants 1 and 3).
with periods as (
    select * from {{ ref('fct_retention_by_period') }}
),

months as (
    select
        *,
        date_trunc('month', month) as month_start,
        date_trunc('quarter', month) as quarter_start,
        date_trunc('year', month) as year_start
    from {{ ref('fct_mrr_by_month') }}
),

period_months as (
    {%- for period_type in ['month', 'quarter', 'year'] %}
    select
        policy_id,
        '{{ period_type }}' as period_type,
        cast({{ period_type }}_start as date) as period_start,
        segment_type,
        segment_value,
        -- A segment without a row in a month had nobody.
        sum(case when month = {{ period_type }}_start then opening_mrr else 0 end) as opening_mrr,
        sum(case when month = {{ period_type }}_start then opening_customers else 0 end)
            as opening_customers,
        sum(case when month = last_month then closing_mrr else 0 end) as closing_mrr,
        sum(case when month = last_month then closing_customers else 0 end) as closing_customers
    from months
    inner join (
        select
            {{ period_type }}_start as last_of,
            max(month) as last_month
        from months
        group by {{ period_type }}_start
    ) as last_months
        on months.{{ period_type }}_start = last_months.last_of
    group by
        policy_id,
        {{ period_type }}_start,
        segment_type,
        segment_value
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    periods.*,
    period_months.opening_mrr,
    period_months.closing_mrr
from periods
full outer join period_months
    on periods.policy_id = period_months.policy_id
    and periods.period_type = period_months.period_type
    and periods.period_start = period_months.period_start
    and periods.segment_type = period_months.segment_type
    and periods.segment_value = period_months.segment_value
where coalesce(periods.mrr_start, 0) <> coalesce(period_months.opening_mrr, 0)
    or coalesce(periods.customers_start, 0) <> coalesce(period_months.opening_customers, 0)
    or coalesce(periods.mrr_end, 0) <> coalesce(period_months.closing_mrr, 0)
    or coalesce(periods.customers_end, 0) <> coalesce(period_months.closing_customers, 0)
