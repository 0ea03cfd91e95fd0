{% set mrr_parts = [
    'opening', 'new', 'reactivation', 'expansion', 'contraction', 'churn', 'fx', 'closing'
] %}
with unit_months as (
    select * from {{ ref('int_unit_months') }}
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
        unit_months.*,
        {%- for segment in segment_types() %}
        coalesce(customers.{{ segment }}, 'unknown') as {{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from unit_months
    inner join units
        on unit_months.policy_id = units.policy_id
        and unit_months.unit_id = units.unit_id
    left join customers
        on units.customer_id = customers.customer_id
),

sums as (
    select
        policy_id,
        month,
        {{ segment_columns() }},
        {%- for part in mrr_parts %}
        sum({{ part }}_mrr) as {{ part }}_mrr,
        {%- endfor %}
        sum(opening_units) as opening_customers,
        sum(new_count) as new_customers,
        sum(reactivation_count) as reactivated_customers,
        sum(churn_count) as churned_customers,
        sum(closing_units) as closing_customers
    from with_segments
    group by {{ by_segment(['policy_id', 'month']) }}
),

-- A month in which nobody paid is a month with zeros, in the total.
keys as (
    select policy_id, month, segment_type, segment_value from sums
    union
    select policies.policy_id, months.month, 'all' as segment_type, 'all' as segment_value
    from policies
    cross join months
),

filled as (
    select
        keys.policy_id,
        keys.month,
        keys.segment_type,
        keys.segment_value,
        {%- for part in mrr_parts %}
        coalesce(sums.{{ part }}_mrr, 0) as {{ part }}_mrr,
        {%- endfor %}
        coalesce(sums.opening_customers, 0) as opening_customers,
        coalesce(sums.new_customers, 0) as new_customers,
        coalesce(sums.reactivated_customers, 0) as reactivated_customers,
        coalesce(sums.churned_customers, 0) as churned_customers,
        coalesce(sums.closing_customers, 0) as closing_customers,
        months.is_complete
    from keys
    inner join months
        on keys.month = months.month
    left join sums
        on keys.policy_id = sums.policy_id
        and keys.month = sums.month
        and keys.segment_type = sums.segment_type
        and keys.segment_value = sums.segment_value
),

final as (
    select
        policy_id,
        month,
        segment_type,
        segment_value,
        {%- for part in mrr_parts %}
        cast({{ part }}_mrr as decimal(18, 2)) as {{ part }}_mrr,
        {%- endfor %}
        cast(opening_customers as bigint) as opening_customers,
        cast(new_customers as bigint) as new_customers,
        cast(reactivated_customers as bigint) as reactivated_customers,
        cast(churned_customers as bigint) as churned_customers,
        cast(closing_customers as bigint) as closing_customers,
        cast(closing_mrr * 12 as decimal(18, 2)) as arr,
        {{ money_ratio('closing_mrr', 'closing_customers') }} as arpa,
        cast(closing_mrr - opening_mrr as decimal(18, 2)) as net_new_mrr,
        {{ ratio(
            '(new_mrr + expansion_mrr + reactivation_mrr)', '(-contraction_mrr - churn_mrr)'
        ) }} as quick_ratio,
        is_complete
    from filled
)

select * from final
