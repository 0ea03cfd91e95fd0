-- Current invoice lines with what their invoice says of them, in local dates. Lines of more than
-- any line charges are not here, but in quality.rejected_rows (docs/mrr_rules.md 3).
with lines as (
    select * from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
),

items as (
    select
        subscription_id,
        subscription_item_id
    from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

refunded_invoices as (
    select invoice_id
    from {{ ref('int_refunds_made') }}
    group by invoice_id
),

-- A line without an item belongs to the one item of its subscription.
only_items as (
    select
        subscription_id,
        min(subscription_item_id) as subscription_item_id
    from items
    group by subscription_id
    having count(*) = 1
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

largest_amounts as (
    select * from {{ ref('int_largest_amounts') }}
),

final as (
    select
        lines.invoice_line_item_id,
        lines.invoice_id,
        invoices.customer_id,
        coalesce(lines.subscription_id, invoices.subscription_id) as subscription_id,
        coalesce(
            lines.subscription_item_id, only_items.subscription_item_id
        ) as subscription_item_id,
        lines.price_id,
        lines.line_type,
        lines.currency,
        lines.amount,
        lines.discount_amount,
        lines.quantity,
        lines.is_proration,
        {{ local_date('lines.period_started_at') }} as period_from_date,
        {{ local_date('lines.period_ended_at') }} as period_to_date,
        invoices.status as invoice_status,
        invoices.created_at as invoice_created_at,
        {{ local_date('invoices.created_at') }} as invoice_date,
        refunded_invoices.invoice_id is not null as is_refunded
    from lines
    inner join invoices
        on lines.invoice_id = invoices.invoice_id
    left join refunded_invoices
        on lines.invoice_id = refunded_invoices.invoice_id
    left join only_items
        on coalesce(lines.subscription_id, invoices.subscription_id) = only_items.subscription_id
    left join largest_amounts
        on lines.currency = largest_amounts.currency
    left join prices
        on lines.price_id = prices.price_id
    where not {{ is_too_large_a_line('lines', 'prices', 'largest_amounts') }}
)

select * from final
