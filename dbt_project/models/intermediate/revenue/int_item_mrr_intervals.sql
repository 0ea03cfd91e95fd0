{%- set columns = [
    'variant_id', 'customer_id', 'subscription_id', 'subscription_item_id', 'price_id',
    'price_version', 'quantity', 'currency', 'gross_mrr', 'net_mrr', 'from_date', 'to_date',
] -%}

-- Everything that makes MRR, in the currency it is billed in: items with and without discounts,
-- usage, and invoice lines on their own. One row per variant, item and stretch.
with gross as (
    select * from {{ ref('int_item_gross_mrr_intervals') }}
),

discounted as (
    select * from {{ ref('int_item_discounted_mrr_intervals') }}
),

metered as (
    select * from {{ ref('int_item_metered_mrr_intervals') }}
),

unattached as (
    select * from {{ ref('int_unattached_line_mrr_intervals') }}
),

discounted_customers as (
    select
        variant_id,
        customer_id
    from discounted
    group by
        variant_id,
        customer_id
),

undiscounted as (
    select gross.*
    from gross
    left join discounted_customers
        on gross.variant_id = discounted_customers.variant_id
        and gross.customer_id = discounted_customers.customer_id
    where discounted_customers.customer_id is null
),

final as (
    select {{ columns | join(', ') }}, 'licensed' as item_kind from undiscounted
    union all
    select {{ columns | join(', ') }}, 'licensed' as item_kind from discounted
    union all
    select {{ columns | join(', ') }}, 'metered' as item_kind from metered
    union all
    select {{ columns | join(', ') }}, 'unattached' as item_kind from unattached
)

select * from final
