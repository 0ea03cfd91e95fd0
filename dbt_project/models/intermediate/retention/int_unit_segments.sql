-- What every unit is cut by: the segments of its customer as of the as-of date. One row per policy
-- and unit.
with units as (
    select * from {{ ref('int_units') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

final as (
    select
        units.policy_id,
        units.unit_id,
        units.customer_id,
        {%- for segment in segment_types() %}
        coalesce(customers.{{ segment }}, 'unknown') as {{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from units
    left join customers
        on units.customer_id = customers.customer_id
)

select * from final
