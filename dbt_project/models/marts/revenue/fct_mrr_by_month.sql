{% set movement_types = mrr_parts()[1:-1] %}
-- From movements alone: a segment's closing is the sum of all its movements so far, so nothing is
-- said per customer and month. fct_mrr_by_customer_month, which says it, must agree (a data test).
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

units as (
    select * from {{ ref('int_units') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

months as (
    select * from {{ ref('int_months') }}
),

with_segments as (
    select
        movements.policy_id,
        {{ first_of_month('movements.movement_date') }} as month,
        movements.movement_type,
        movements.mrr_change,
        {%- for segment in segment_types() %}
        coalesce(customers.{{ segment }}, 'unknown') as {{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from movements
    inner join units
        on movements.policy_id = units.policy_id
        and movements.unit_id = units.unit_id
    left join customers
        on units.customer_id = customers.customer_id
),

sums_by_type as (
    select
        policy_id,
        month,
        movement_type,
        {{ segment_columns() }},
        sum(mrr_change) as mrr_change,
        count(*) as movement_count
    from with_segments
    group by {{ by_segment(['policy_id', 'month', 'movement_type']) }}
),

moved as (
    select
        policy_id,
        month,
        segment_type,
        segment_value,
        {%- for type in movement_types %}
        sum(case when movement_type = '{{ type }}' then mrr_change else 0 end) as {{ type }}_mrr,
        {%- endfor %}
        {%- for type in ['new', 'reactivation', 'churn'] %}
        sum(case when movement_type = '{{ type }}' then movement_count else 0 end)
            as {{ type }}_count,
        {%- endfor %}
        sum(mrr_change) as net_new_mrr
    from sums_by_type
    group by
        policy_id,
        month,
        segment_type,
        segment_value
),

-- The total has a row from the first month on, though nobody paid yet.
segments as (
    select policy_id, segment_type, segment_value from moved
    union
    select policy_id, 'all' as segment_type, 'all' as segment_value from policies
),

filled as (
    select
        segments.policy_id,
        months.month,
        segments.segment_type,
        segments.segment_value,
        {%- for type in movement_types %}
        coalesce(moved.{{ type }}_mrr, 0) as {{ type }}_mrr,
        {%- endfor %}
        coalesce(moved.new_count, 0) as new_customers,
        coalesce(moved.reactivation_count, 0) as reactivated_customers,
        coalesce(moved.churn_count, 0) as churned_customers,
        coalesce(moved.net_new_mrr, 0) as net_new_mrr,
        moved.month is not null as has_movements,
        months.is_complete
    from segments
    cross join months
    left join moved
        on segments.policy_id = moved.policy_id
        and segments.segment_type = moved.segment_type
        and segments.segment_value = moved.segment_value
        and months.month = moved.month
),

swept as (
    select
        *,
        sum(net_new_mrr) over segment_months as closing_mrr,
        sum(new_customers + reactivated_customers - churned_customers) over segment_months
            as closing_customers
    from filled
    window segment_months as (partition by policy_id, segment_type, segment_value order by month)
),

with_opening as (
    select
        *,
        closing_mrr - net_new_mrr as opening_mrr,
        closing_customers - new_customers - reactivated_customers + churned_customers
            as opening_customers
    from swept
),

final as (
    select
        policy_id,
        month,
        segment_type,
        segment_value,
        {%- for part in mrr_parts() %}
        cast({{ part }}_mrr as decimal(18, 2)) as {{ part }}_mrr,
        {%- endfor %}
        cast(opening_customers as bigint) as opening_customers,
        cast(new_customers as bigint) as new_customers,
        cast(reactivated_customers as bigint) as reactivated_customers,
        cast(churned_customers as bigint) as churned_customers,
        cast(closing_customers as bigint) as closing_customers,
        cast(closing_mrr * 12 as decimal(18, 2)) as arr,
        {{ money_ratio('closing_mrr', 'closing_customers') }} as arpa,
        cast(net_new_mrr as decimal(18, 2)) as net_new_mrr,
        {{ ratio(
            '(new_mrr + expansion_mrr + reactivation_mrr)', '(-contraction_mrr - churn_mrr)'
        ) }} as quick_ratio,
        is_complete
    from with_opening
    where segment_type = 'all'
        or has_movements
        or closing_customers > 0
)

select * from final
