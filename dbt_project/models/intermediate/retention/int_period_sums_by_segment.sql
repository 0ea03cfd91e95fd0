{%- set counts = [
    'customers_start', 'customers_end', 'customers_won', 'customers_won_and_lost',
    'customers_lost_of_start', 'retention_base_customers', 'retention_units', 'churn_units',
] -%}
{%- set amounts = [
    'mrr_start', 'mrr_end', 'mrr_end_of_start_customers', 'new_mrr', 'reactivation_mrr',
    'expansion_mrr', 'contraction_mrr', 'churn_mrr', 'voluntary_churn_mrr',
    'involuntary_churn_mrr', 'fx_mrr', 'retention_base_mrr', 'mrr_end_of_base_customers',
    'retained_mrr', 'capped_mrr', 'lost_mrr', 'counted_reactivation_mrr',
] -%}
{#- Sums of products, from which the intervals of ratios of money come; a square of money is wider
    than money. -#}
{%- set products = {
    'base_squares': ['retention_base_mrr', 'retention_base_mrr'],
    'base_by_retained': ['retention_base_mrr', 'retained_mrr'],
    'retained_squares': ['retained_mrr', 'retained_mrr'],
    'base_by_base_end': ['retention_base_mrr', 'mrr_end_of_base_customers'],
    'base_end_squares': ['mrr_end_of_base_customers', 'mrr_end_of_base_customers'],
    'base_by_capped': ['retention_base_mrr', 'capped_mrr'],
    'capped_squares': ['capped_mrr', 'capped_mrr'],
    'start_squares': ['mrr_start', 'mrr_start'],
    'start_by_lost': ['mrr_start', 'lost_mrr'],
    'lost_squares': ['lost_mrr', 'lost_mrr'],
    'start_by_net_lost': ['mrr_start', 'net_lost_mrr'],
    'net_lost_squares': ['net_lost_mrr', 'net_lost_mrr'],
} -%}

-- The sums behind the rates of a period. One row per policy, period and segment; `all` for every
-- period.
with unit_periods as (
    select
        *,
        lost_mrr - expansion_mrr - counted_reactivation_mrr as net_lost_mrr
    from {{ ref('int_unit_periods') }}
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

with_segments as (
    select
        unit_periods.*,
        {%- for segment in segment_types() %}
        segments.{{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from unit_periods
    inner join segments
        on unit_periods.policy_id = segments.policy_id
        and unit_periods.unit_id = segments.unit_id
),

sums as (
    select
        policy_id,
        period_type,
        period_start,
        {{ segment_columns() }},
        {%- for column in counts + amounts %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        {%- for column, product in products.items() %}
        sum(cast({{ product[0] }} as decimal(38, 2)) * {{ product[1] }})
            as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from with_segments
    group by {{ by_segment(['policy_id', 'period_type', 'period_start']) }}
),

-- A period without customers is a period with zeros, in the total.
keys as (
    select policy_id, period_type, period_start, segment_type, segment_value from sums
    union
    select
        policies.policy_id,
        periods.period_type,
        periods.period_start,
        'all' as segment_type,
        'all' as segment_value
    from policies
    cross join periods
),

final as (
    select
        keys.policy_id,
        keys.period_type,
        keys.period_start,
        keys.segment_type,
        keys.segment_value,
        {%- for column in counts + amounts + (products.keys() | list) %}
        coalesce(sums.{{ column }}, 0) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from keys
    left join sums
        on keys.policy_id = sums.policy_id
        and keys.period_type = sums.period_type
        and keys.period_start = sums.period_start
        and keys.segment_type = sums.segment_type
        and keys.segment_value = sums.segment_value
)

select * from final
