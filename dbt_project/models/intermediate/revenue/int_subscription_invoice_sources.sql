-- The raw rows of invoices that reach into a subscription's MRR beside its items (docs/mrr_rules.md
-- 2 and 5): what a refund takes in its month, and the paid periods that put off the end of service.
-- One row per effect, subscription, raw row and stretch.
with refunded as (
    select
        subscription_id,
        refund_id,
        payment_id,
        invoice_id,
        refund_date as from_date,
        {{ add_months(first_of_month('refund_date'), 1) }} as to_date
    from {{ ref('int_refunds_made') }}
    where subscription_id is not null
),

lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

refund_rows as (
    select subscription_id, 'billing.refunds/' || refund_id as source_id, from_date, to_date
    from refunded
    union
    select subscription_id, 'billing.payments/' || payment_id, from_date, to_date
    from refunded
    union
    select subscription_id, 'billing.invoices/' || invoice_id, from_date, to_date
    from refunded
    union
    select
        refunded.subscription_id,
        'billing.invoice_line_items/' || lines.invoice_line_item_id,
        refunded.from_date,
        refunded.to_date
    from refunded
    inner join lines
        on refunded.invoice_id = lines.invoice_id
    union
    -- What is refunded is shared among the recurring lines, and their prices say which those are.
    select
        refunded.subscription_id,
        'billing.prices/' || lines.price_id,
        refunded.from_date,
        refunded.to_date
    from refunded
    inner join lines
        on refunded.invoice_id = lines.invoice_id
    where lines.price_id is not null
),

paid_lines as (
    select *
    from lines
    where line_type = 'subscription'
        and period_from_date is not null
        and period_to_date is not null
        and amount > 0
        and invoice_status = 'paid'
),

-- A refund takes a period out of those that were paid, so it is behind the end as well.
period_rows as (
    select
        subscription_id,
        'billing.invoice_line_items/' || invoice_line_item_id as source_id,
        period_from_date as from_date,
        period_to_date as to_date
    from paid_lines
    union
    select subscription_id, 'billing.invoices/' || invoice_id, period_from_date, period_to_date
    from paid_lines
    union
    select
        paid_lines.subscription_id,
        'billing.refunds/' || refunded.refund_id,
        paid_lines.period_from_date,
        paid_lines.period_to_date
    from paid_lines
    inner join refunded
        on paid_lines.invoice_id = refunded.invoice_id
    union
    select
        paid_lines.subscription_id,
        'billing.payments/' || refunded.payment_id,
        paid_lines.period_from_date,
        paid_lines.period_to_date
    from paid_lines
    inner join refunded
        on paid_lines.invoice_id = refunded.invoice_id
),

final as (
    select 'refund' as effect, subscription_id, source_id, from_date, to_date
    from refund_rows
    union all
    select 'paid_period' as effect, subscription_id, source_id, from_date, to_date
    from period_rows
)

select * from final
