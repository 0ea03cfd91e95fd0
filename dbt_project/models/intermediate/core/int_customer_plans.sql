-- The plan of every customer under the official policy: the product of its largest item now, or
-- when it last had one. One row per customer that ever had MRR.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
    where policy_id = '{{ var("official_policy") }}'
),

items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

products as (
    select * from {{ ref('stg_billing__products') }}
    where is_current
),

ranked as (
    select
        items.customer_id,
        items.price_id,
        row_number() over (
            partition by items.customer_id
            order by items.to_date desc, items.net_mrr desc, items.subscription_item_id
        ) as preference
    from items
    inner join policies
        on items.variant_id = policies.variant_id
    where items.net_mrr > 0
),

final as (
    select
        ranked.customer_id,
        coalesce(products.product_name, prices.product_id, 'unknown') as plan
    from ranked
    left join prices
        on ranked.price_id = prices.price_id
    left join products
        on prices.product_id = products.product_id
    where ranked.preference = 1
)

select * from final
