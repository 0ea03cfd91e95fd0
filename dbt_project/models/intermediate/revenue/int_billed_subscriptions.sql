-- The billing customer of every subscription that has MRR; by its items, for a line may name a
-- subscription that has not landed (docs/mrr_rules.md 6). One row per subscription.
with items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

final as (
    select
        subscription_id,
        min(customer_id) as customer_id
    from items
    where subscription_id is not null
    group by subscription_id
)

select * from final
