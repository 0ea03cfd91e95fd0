with items as (
    select * from {{ ref('int_reconciled_items_explained') }}
    where reason in (
        'not_invoiced', 'invoiced_without_subscription', 'price_differs', 'quantity_differs'
    )
        -- Without a rate there is no amount to show; assert_no_reconciled_item_lacks_a_rate says
        -- so, which a column that may not be null would do without a reason.
        and rate is not null
),

months as (
    select * from {{ ref('int_months') }}
),

final as (
    select
        items.month,
        items.customer_id,
        items.subscription_id,
        items.subscription_item_id,
        items.currency,
        case
            when items.reason = 'not_invoiced' then 'active_not_invoiced'
            when items.reason = 'invoiced_without_subscription' and items.is_paid
                and items.service_end_date is not null then 'paid_and_cancelled'
            when items.reason = 'invoiced_without_subscription' then 'invoiced_not_active'
            else items.reason
        end as leakage_type,
        cast({{ to_cents('items.subscription_mrr') }} as decimal(18, 2)) as subscription_mrr,
        cast({{ to_cents('items.invoice_mrr') }} as decimal(18, 2)) as invoice_mrr,
        cast({{ to_cents('items.difference') }} as decimal(18, 2)) as difference,
        cast(items.subscription_quantity as bigint) as subscription_quantity,
        cast(items.invoice_quantity as bigint) as invoice_quantity,
        items.subscription_price_id,
        items.invoice_price_id,
        items.service_end_date,
        items.line_ids as source_ids,
        months.is_complete
    from items
    inner join months
        on items.month = months.month
)

select * from final
