-- Everyone who is or may become a customer: billing customers, customers that only a subscription
-- names, and crm accounts without billing. One row per customer_id, under the official policy.
with billing_customers as (
    select * from {{ ref('stg_billing__customers') }}
    where is_current
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

timeline as (
    select * from {{ ref('int_subscription_timeline') }}
),

accounts as (
    select
        *,
        coalesce(billing_customer_id, account_id) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where is_current
),

attribution as (
    select * from {{ ref('int_customer_attribution') }}
),

units as (
    select * from {{ ref('int_units') }}
),

-- Where the official policy counts subscriptions, a customer is all of its units.
lifecycles as (
    select
        units.customer_id,
        min(unit_lifecycles.first_paid_date) as first_paid_date,
        min(unit_lifecycles.cohort_month) as cohort_month,
        case
            when not bool_or(unit_lifecycles.is_present)
                then max(unit_lifecycles.churned_date)
        end as churned_date,
        bool_or(unit_lifecycles.is_present) as is_present,
        sum(unit_lifecycles.current_mrr) as current_mrr,
        case
            when sum(unit_lifecycles.current_mrr) > 0 then sum(unit_lifecycles.current_mrr)
            else max_by(
                unit_lifecycles.last_mrr,
                coalesce(unit_lifecycles.churned_date, {{ end_of_time() }})
            )
        end as last_mrr
    from {{ ref('int_customer_lifecycles') }} as unit_lifecycles
    inner join units
        on unit_lifecycles.policy_id = units.policy_id
        and unit_lifecycles.unit_id = units.unit_id
    where unit_lifecycles.policy_id = '{{ var("official_policy") }}'
    group by units.customer_id
),

plans as (
    select * from {{ ref('int_customer_plans') }}
),

size_bands as (
    select * from {{ ref('size_bands') }}
),

-- Several accounts of one customer: the lowest id describes it.
customer_accounts as (
    select *
    from (
        select
            *,
            row_number() over (partition by customer_id order by account_id) as preference
        from accounts
    ) as ranked
    where preference = 1
),

keys as (
    select customer_id from billing_customers
    union
    select customer_id from subscriptions
    union
    select customer_id from customer_accounts
    union
    select customer_id from attribution
),

services as (
    select
        customer_id,
        max(case when state = 'trialing' then 1 else 0 end) = 1 as is_trialing,
        max(case when state in ('active', 'past_due') then 1 else 0 end) = 1 as is_active
    from timeline
    where to_date > {{ as_of_date() }}
        and not is_out_service_end
    group by customer_id
),

final as (
    select
        keys.customer_id,
        customer_accounts.account_id,
        customer_accounts.parent_account_id,
        coalesce(customer_accounts.account_name, billing_customers.name) as customer_name,
        coalesce(customer_accounts.segment, 'unknown') as segment,
        customer_accounts.industry,
        coalesce(billing_customers.country, customer_accounts.country, 'unknown') as country,
        coalesce(attribution.channel, 'unknown') as channel,
        coalesce(attribution.motion, 'unknown') as motion,
        customer_accounts.owner_id,
        coalesce(plans.plan, 'none') as plan,
        coalesce(size_bands.size_band, 'none') as size_band,
        coalesce(
            cast(extract(year from lifecycles.cohort_month) as {{ dbt.type_string() }}), 'none'
        ) as cohort_year,
        billing_customers.currency,
        billing_customers.created_at,
        lifecycles.first_paid_date,
        lifecycles.cohort_month,
        lifecycles.churned_date,
        coalesce(lifecycles.current_mrr, 0) as current_mrr,
        case
            when lifecycles.is_present then 'paying'
            when services.is_trialing then 'trialing'
            when services.is_active then 'free'
            when lifecycles.first_paid_date is not null then 'churned'
            when subscribed.customer_id is not null then 'churned'
            else 'lead'
        end as status,
        coalesce(billing_customers.is_deleted, false) as is_deleted
    from keys
    left join billing_customers
        on keys.customer_id = billing_customers.customer_id
    left join customer_accounts
        on keys.customer_id = customer_accounts.customer_id
    left join attribution
        on keys.customer_id = attribution.customer_id
    left join lifecycles
        on keys.customer_id = lifecycles.customer_id
    left join plans
        on keys.customer_id = plans.customer_id
    left join services
        on keys.customer_id = services.customer_id
    left join (
        select customer_id
        from subscriptions
        group by customer_id
    ) as subscribed
        on keys.customer_id = subscribed.customer_id
    left join size_bands
        on lifecycles.last_mrr >= size_bands.mrr_from
        and lifecycles.last_mrr < coalesce(size_bands.mrr_to, 1000000000000)
)

select * from final
