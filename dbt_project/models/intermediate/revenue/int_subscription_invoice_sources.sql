-- The raw rows of invoices that reach into a subscription's MRR beside its items (docs/mrr_rules.md
-- 2 and 5): what a refund takes in its month, and the paid periods that put off the end of service.
-- One row per effect, subscription, raw row and stretch.
with refunds as (
    select * from {{ ref('stg_billing__refunds') }}
    where is_current
        and coalesce(status, 'succeeded') = 'succeeded'
        and amount > 0
),

payments as (
    select * from {{ ref('stg_billing__payments') }}
    where is_current
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
        and subscription_id is not null
),

lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

refunded as (
    select
        invoices.subscription_id,
        refunds.refund_id,
        payments.payment_id,
        invoices.invoice_id,
        {{ local_date('refunds.created_at') }} as from_date
    from refunds
    inner join payments
        on refunds.payment_id = payments.payment_id
    inner join invoices
        on payments.invoice_id = invoices.invoice_id
),

dated as (
    select
        *,
        {{ add_months(first_of_month('from_date'), 1) }} as to_date
    from refunded
),

refund_rows as (
    select subscription_id, 'billing.refunds/' || refund_id as source_id, from_date, to_date
    from dated
    union
    select subscription_id, 'billing.payments/' || payment_id, from_date, to_date
    from dated
    union
    select subscription_id, 'billing.invoices/' || invoice_id, from_date, to_date
    from dated
    union
    select
        dated.subscription_id,
        'billing.invoice_line_items/' || lines.invoice_line_item_id,
        dated.from_date,
        dated.to_date
    from dated
    inner join lines
        on dated.invoice_id = lines.invoice_id
    union
    -- What is refunded is shared among the recurring lines, and their prices say which those are.
    select
        dated.subscription_id,
        'billing.prices/' || lines.price_id,
        dated.from_date,
        dated.to_date
    from dated
    inner join lines
        on dated.invoice_id = lines.invoice_id
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
