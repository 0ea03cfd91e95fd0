-- Which billing customers make up a counted unit. One row per policy, unit and customer.
with units as (
    select * from {{ ref('int_units') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

final as (
    select
        units.policy_id,
        units.unit_id,
        units.subscription_id,
        coalesce(parents.customer_id, units.customer_id) as customer_id
    from units
    inner join policies
        on units.policy_id = policies.policy_id
    left join parents
        on policies.grain = 'parent_account'
        and units.unit_id = parents.parent_unit_id
)

select * from final
