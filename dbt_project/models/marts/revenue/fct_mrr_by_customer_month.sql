with unit_months as (
    select * from {{ ref('int_unit_months') }}
),

units as (
    select * from {{ ref('int_units') }}
),

-- Subscriptions, where a policy counts them, are summed to their customer.
final as (
    select
        unit_months.policy_id,
        units.customer_id,
        unit_months.month,
        {%- for part in [
            'opening', 'new', 'reactivation', 'expansion', 'contraction', 'churn', 'fx', 'closing'
        ] %}
        cast(sum(unit_months.{{ part }}_mrr) as decimal(18, 2)) as {{ part }}_mrr,
        {%- endfor %}
        unit_months.is_complete
    from unit_months
    inner join units
        on unit_months.policy_id = units.policy_id
        and unit_months.unit_id = units.unit_id
    group by
        unit_months.policy_id,
        units.customer_id,
        unit_months.month,
        unit_months.is_complete
)

select * from final
