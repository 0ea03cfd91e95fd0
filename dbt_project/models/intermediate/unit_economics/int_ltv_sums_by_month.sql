-- What LTV is made of, month by month (docs/unit_economics_rules.md 5). One row per policy,
-- month and segment with a customer at its start or end, or won and lost in it.
with unit_months as (
    select * from {{ ref('int_unit_periods') }}
    where period_type = 'month'
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

counted as (
    select
        unit_months.policy_id,
        unit_months.period_start as month,
        {%- for segment in segment_types() %}
        segments.{{ segment }},
        {%- endfor %}
        unit_months.customers_end,
        unit_months.mrr_end,
        unit_months.customers_lost_of_start
        + case
            when policies.churn_rate_excludes_new then 0
            else unit_months.customers_won_and_lost
        end as lost,
        unit_months.customers_start
        + case
            when policies.churn_rate_base = 'start_plus_new'
                then unit_months.customers_won + unit_months.customers_won_and_lost
            else 0
        end as base
    from unit_months
    inner join segments
        on unit_months.policy_id = segments.policy_id
        and unit_months.unit_id = segments.unit_id
    inner join policies
        on unit_months.policy_id = policies.policy_id
),

final as (
    select
        policy_id,
        month,
        {{ segment_columns() }},
        sum(base) as base,
        sum(lost) as lost,
        sum(customers_end) as customers,
        sum(mrr_end) as mrr,
        -- Exact, so that the order of rows cannot show in a cent of an interval.
        sum(cast(mrr_end as decimal(38, 2)) * mrr_end) as mrr_squares
    from counted
    group by {{ by_segment(['policy_id', 'month']) }}
)

select * from final
