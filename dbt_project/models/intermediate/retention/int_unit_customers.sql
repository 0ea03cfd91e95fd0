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

graded as (
    select
        units.*,
        -- A column of its own: a join on a condition over two tables compares all with all.
        case when policies.grain = 'parent_account' then units.unit_id end as parent_unit_id
    from units
    inner join policies
        on units.policy_id = policies.policy_id
),

final as (
    select
        graded.policy_id,
        graded.unit_id,
        graded.subscription_id,
        coalesce(parents.customer_id, graded.customer_id) as customer_id
    from graded
    left join parents
        on graded.parent_unit_id = parents.parent_unit_id
)

select * from final
