with lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
    where policy_id = '{{ var("official_policy") }}'
        and first_paid_date is not null
),

units as (
    select * from {{ ref('int_units') }}
),

evidence as (
    select * from {{ ref('int_churn_evidence') }}
),

arrivals as (
    select
        policy_id,
        unit_id,
        max(movement_date) as last_arrival_date
    from {{ ref('int_mrr_movements_typed') }}
    where movement_type in ('new', 'reactivation')
    group by
        policy_id,
        unit_id
),

-- Where the policy counts subscriptions, a customer is gone when the last of them is.
billing as (
    select
        units.customer_id,
        min(lifecycles.first_paid_date) as first_paid_date,
        max(arrivals.last_arrival_date) as last_arrival_date,
        case when not bool_or(lifecycles.is_present) then max(lifecycles.churned_date) end
            as billing_churned_date
    from lifecycles
    inner join units
        on lifecycles.policy_id = units.policy_id
        and lifecycles.unit_id = units.unit_id
    inner join arrivals
        on lifecycles.policy_id = arrivals.policy_id
        and lifecycles.unit_id = arrivals.unit_id
    group by units.customer_id
),

-- What is older than the customer's last coming is not about its going.
last_evidence as (
    select
        billing.customer_id,
        evidence.source,
        evidence.evidence_key,
        evidence.evidence_date,
        row_number() over (
            partition by billing.customer_id, evidence.source
            order by evidence.evidence_date desc, evidence.evidence_key
        ) as preference
    from billing
    inner join evidence
        on billing.customer_id = evidence.customer_id
        and billing.last_arrival_date <= evidence.evidence_date
),

compared as (
    select
        billing.customer_id,
        billing.billing_churned_date,
        crm.evidence_date as crm_churned_date,
        crm.evidence_key as crm_evidence,
        product.evidence_date as product_churned_date,
        product.evidence_key as product_evidence
    from billing
    left join last_evidence as crm
        on billing.customer_id = crm.customer_id
        and crm.source = 'crm'
        and crm.preference = 1
    left join last_evidence as product
        on billing.customer_id = product.customer_id
        and product.source = 'product'
        and product.preference = 1
),

final as (
    select
        '{{ var("official_policy") }}' as policy_id,
        customer_id,
        billing_churned_date is not null as is_churned,
        billing_churned_date as billing_churned_at,
        crm_churned_date as crm_churned_at,
        crm_evidence,
        product_churned_date as product_churned_at,
        product_evidence,
        case
            when billing_churned_date is null and crm_churned_date is null then 'product_only'
            when billing_churned_date is null and product_churned_date is null then 'crm_only'
            when billing_churned_date is null then 'crm_and_product'
            when crm_churned_date is null and product_churned_date is null then 'billing_only'
            when crm_churned_date is null then 'billing_and_product'
            when product_churned_date is null then 'billing_and_crm'
            else 'all'
        end as said_by,
        cast(
            {{ days_between('billing_churned_date', 'crm_churned_date') }} as integer
        ) as crm_days_after_billing,
        cast(
            {{ days_between('billing_churned_date', 'product_churned_date') }} as integer
        ) as product_days_after_billing
    from compared
    where billing_churned_date is not null
        or crm_churned_date is not null
        or product_churned_date is not null
)

select * from final
