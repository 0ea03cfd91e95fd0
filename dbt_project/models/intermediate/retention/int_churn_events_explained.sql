-- Every churn with what was known of the customer that day (docs/retention_rules.md 7): tenure,
-- plan, owner, and whether it came back. One row per churn movement.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

causes as (
    select * from {{ ref('int_mrr_churn_causes') }}
),

lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
),

units as (
    select * from {{ ref('int_units') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

items as (
    select * from {{ ref('int_unit_items') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

products as (
    select * from {{ ref('stg_billing__products') }}
    where is_current
),

-- The first version of an account also speaks for the time before it.
account_versions as (
    select
        account_id,
        owner_id,
        case
            when lag(valid_from_date) over account_history is null
                then {{ start_of_time() }}
            else valid_from_date
        end as from_date,
        valid_to_date as to_date
    from {{ ref('stg_crm__accounts') }}
    where valid_from_date < valid_to_date
    window account_history as (partition by account_id order by valid_from_date)
),

comings_and_goings as (
    select
        *,
        lead(movement_date) over unit_history as next_movement_date,
        sum(case when movement_type = 'churn' then 1 else 0 end) over unit_history as churn_number
    from movements
    where movement_type in ('new', 'reactivation', 'churn')
    window unit_history as (partition by policy_id, unit_id order by movement_date)
),

churns as (
    select
        comings_and_goings.movement_id,
        comings_and_goings.policy_id,
        comings_and_goings.unit_id,
        units.customer_id,
        units.subscription_id,
        units.currency,
        comings_and_goings.movement_date as churn_date,
        -comings_and_goings.mrr_change as mrr_lost,
        comings_and_goings.churn_number,
        comings_and_goings.next_movement_date as returned_date,
        lifecycles.first_paid_date,
        lifecycles.cohort_month
    from comings_and_goings
    inner join units
        on comings_and_goings.policy_id = units.policy_id
        and comings_and_goings.unit_id = units.unit_id
    inner join lifecycles
        on comings_and_goings.policy_id = lifecycles.policy_id
        and comings_and_goings.unit_id = lifecycles.unit_id
    where comings_and_goings.movement_type = 'churn'
),

-- The largest item of the day before.
last_items as (
    select
        churns.movement_id,
        items.price_id,
        row_number() over (
            partition by churns.movement_id
            order by items.net_mrr desc, items.subscription_item_id nulls last, items.price_id
        ) as preference
    from churns
    inner join items
        on churns.policy_id = items.policy_id
        and churns.unit_id = items.unit_id
        and churns.churn_date > items.from_date
        and churns.churn_date <= items.to_date
),

final as (
    select
        churns.movement_id,
        churns.policy_id,
        churns.unit_id,
        churns.customer_id,
        churns.subscription_id,
        customers.account_id,
        churns.churn_date,
        coalesce(causes.churn_type, 'voluntary') as churn_type,
        coalesce(causes.churn_reason, 'unknown') as churn_reason,
        causes.churn_feedback,
        churns.mrr_lost,
        churns.currency,
        churns.first_paid_date,
        churns.cohort_month,
        {{ days_between('churns.first_paid_date', 'churns.churn_date') }} as tenure_days,
        churns.churn_number,
        churns.returned_date,
        {{ days_between('churns.churn_date', 'churns.returned_date') }} as days_away,
        coalesce(products.product_name, prices.product_id, 'unknown') as plan,
        coalesce(customers.channel, 'unknown') as channel,
        coalesce(customers.motion, 'unknown') as motion,
        coalesce(customers.segment, 'unknown') as segment,
        coalesce(customers.country, 'unknown') as country,
        account_versions.owner_id
    from churns
    left join causes
        on churns.movement_id = causes.movement_id
    left join customers
        on churns.customer_id = customers.customer_id
    left join last_items
        on churns.movement_id = last_items.movement_id
        and last_items.preference = 1
    left join prices
        on last_items.price_id = prices.price_id
    left join products
        on prices.product_id = products.product_id
    left join account_versions
        on customers.account_id = account_versions.account_id
        and churns.churn_date >= account_versions.from_date
        and churns.churn_date < account_versions.to_date
)

select * from final
