-- The billing customer of every counted unit. One row per policy and unit.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

changes as (
    select * from {{ ref('int_unit_native_mrr_changes') }}
),

subscriptions as (
    select * from {{ ref('int_billed_subscriptions') }}
),

currencies as (
    select
        series_id,
        unit_id,
        -- Of several currencies none speaks for the unit.
        case when min(currency) = max(currency) then min(currency) end as currency
    from changes
    group by
        series_id,
        unit_id
),

units as (
    select
        policies.policy_id,
        currencies.unit_id,
        currencies.currency,
        -- A column of its own: a join on a condition over two tables compares all with all.
        case when policies.grain = 'subscription' then currencies.unit_id end as subscription_id
    from currencies
    inner join policies
        on currencies.series_id = policies.series_id
),

final as (
    select
        units.policy_id,
        units.unit_id,
        coalesce(subscriptions.customer_id, units.unit_id) as customer_id,
        subscriptions.subscription_id,
        units.currency
    from units
    left join subscriptions
        on units.subscription_id = subscriptions.subscription_id
)

select * from final
