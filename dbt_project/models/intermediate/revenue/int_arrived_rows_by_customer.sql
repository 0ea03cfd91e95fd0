-- The rows that the last release did not know, by the customers whose MRR they can move. One row
-- per row and customer (a parent account's too, which policies may count instead).
with arrived as (
    select * from {{ ref('stg_control__arrived_rows') }}
),

subscriptions as (
    select
        subscription_id,
        customer_id,
        {{ local_date('started_at') }} as start_date,
        {{ local_date('created_at') }} as created_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

items as (
    select
        price_id,
        subscription_id
    from {{ ref('stg_billing__subscription_items') }}
    group by
        price_id,
        subscription_id
),

invoices as (
    select
        invoice_id,
        customer_id
    from {{ ref('stg_billing__invoices') }}
    where is_current
),

payments as (
    select
        payment_id,
        customer_id
    from {{ ref('stg_billing__payments') }}
    where is_current
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

linked as (
    select
        arrived.*,
        arrived.customer_id as linked_customer_id
    from arrived
    where arrived.customer_id is not null
    union all
    select
        arrived.*,
        subscriptions.customer_id
    from arrived
    inner join subscriptions
        on arrived.subscription_id = subscriptions.subscription_id
    union all
    select
        arrived.*,
        invoices.customer_id
    from arrived
    inner join invoices
        on arrived.invoice_id = invoices.invoice_id
    union all
    select
        arrived.*,
        payments.customer_id
    from arrived
    inner join payments
        on arrived.payment_id = payments.payment_id
    union all
    select
        arrived.*,
        subscriptions.customer_id
    from arrived
    inner join items
        on arrived.price_id = items.price_id
    inner join subscriptions
        on items.subscription_id = subscriptions.subscription_id
),

with_parents as (
    select * from linked
    union all
    select
        {{ all_but('linked', ['linked_customer_id']) }},
        parents.parent_unit_id as linked_customer_id
    from linked
    inner join parents
        on linked.linked_customer_id = parents.customer_id
),

final as (
    select
        with_parents.linked_customer_id as customer_id,
        with_parents.source_id,
        with_parents.version_date,
        -- An item that was there from the start speaks of all its subscription's life.
        case
            when with_parents.speaks_from_date <= subscriptions.created_date
                then least(with_parents.speaks_from_date, subscriptions.start_date)
            else with_parents.speaks_from_date
        end as speaks_from_date,
        with_parents.is_about_payment,
        with_parents.is_known_object,
        with_parents.is_known_version,
        with_parents.rewrites_the_past
    from with_parents
    left join subscriptions
        on with_parents.subscription_id = subscriptions.subscription_id
    group by all
)

select * from final
