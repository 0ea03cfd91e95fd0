-- Item stretches as a policy's unit sees them: under its unit and on the days of its series
-- (month ends where the policy reads month ends).
with items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

final as (
    select
        policies.policy_id,
        case policies.grain
            when 'subscription' then coalesce(items.subscription_id, items.customer_id)
            when 'parent_account' then coalesce(parents.parent_unit_id, items.customer_id)
            else items.customer_id
        end as unit_id,
        items.variant_id,
        items.customer_id,
        items.subscription_id,
        items.subscription_item_id,
        items.item_kind,
        items.price_id,
        items.price_version,
        items.quantity,
        items.currency,
        -- Invoice lines tell one amount; what discounts took is not told apart.
        case when policies.mrr_basis = 'invoice' then items.net_mrr else items.gross_mrr end
            as gross_mrr,
        items.net_mrr,
        policies.mrr_basis,
        {{ effective_date('items.from_date', 'policies') }} as from_date,
        case
            when items.to_date > {{ as_of_date() }} then {{ end_of_time() }}
            else {{ effective_date('items.to_date', 'policies') }}
        end as to_date
    from items
    inner join policies
        on items.variant_id = policies.variant_id
    left join parents
        on items.customer_id = parents.customer_id
    where items.from_date <= {{ as_of_date() }}
)

select * from final
where from_date < to_date
