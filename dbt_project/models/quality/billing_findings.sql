-- Money of an invoice that does not fit together: what two rows say of it differs. All of it is
-- counted as it stands (docs/books_rules.md 5), so somebody has to know, and to find out which side
-- is wrong. What is dated after the as-of date is not looked at yet.
with invoices as (
    select * from {{ ref('int_invoices_issued') }}
),

sums as (
    select * from {{ ref('int_invoice_sums') }}
),

entries as (
    select * from {{ ref('int_receivable_entries') }}
),

lines as (
    select * from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
),

payments as (
    select
        *,
        case when status = 'succeeded' then amount else 0 end as paid
    from {{ ref('stg_billing__payments') }}
    where is_current
),

refunds as (
    select * from {{ ref('stg_billing__refunds') }}
    where is_current
        and coalesce(status, 'succeeded') = 'succeeded'
        and {{ local_date('created_at') }} <= {{ as_of_date() }}
),

unsent as (
    select invoice_id
    from {{ ref('stg_billing__invoices') }}
    where is_current
        and status in ('draft', 'void')
),

-- Whoever lands no lines at all has none that could be missing.
any_lines as (
    select max(line_currencies) as line_currencies
    from sums
),

refunded as (
    select
        payments.payment_id,
        sum(refunds.amount) as amount
    from refunds
    inner join payments
        on refunds.payment_id = payments.payment_id
        and refunds.currency = payments.currency
    group by payments.payment_id
),

found as (
    select
        'total_is_not_its_lines' as finding,
        'invoices' as table_name,
        sums.invoice_id as row_key,
        sums.invoice_id,
        sums.customer_id,
        sums.currency,
        sums.total as expected_amount,
        sums.lines_total as found_amount
    from sums
    cross join any_lines
    where any_lines.line_currencies > 0
        and sums.total <> sums.lines_total
        and not sums.has_foreign_lines
    union all
    select 'paid_above_total', 'invoices', invoice_id, invoice_id, customer_id, currency, total,
        paid
    from sums
    where paid > greatest(total, 0)
    union all
    select 'credited_above_total', 'invoices', invoice_id, invoice_id, customer_id, currency, total,
        credited
    from sums
    where credited > greatest(total, 0)
    union all
    select 'refunded_above_payment', 'payments', payments.payment_id, payments.invoice_id,
        payments.customer_id, payments.currency, payments.paid, refunded.amount
    from refunded
    inner join payments
        on refunded.payment_id = payments.payment_id
    where refunded.amount > payments.paid
    union all
    select 'paid_on_unsent_invoice', 'payments', payments.payment_id, payments.invoice_id,
        payments.customer_id, payments.currency, 0, payments.paid - coalesce(refunded.amount, 0)
    from payments
    inner join unsent
        on payments.invoice_id = unsent.invoice_id
    left join refunded
        on payments.payment_id = refunded.payment_id
    where payments.paid > coalesce(refunded.amount, 0)
        and {{ local_date('payments.created_at') }} <= {{ as_of_date() }}
    union all
    select 'line_in_other_currency', 'invoice_line_items', lines.invoice_line_item_id,
        invoices.invoice_id, invoices.customer_id, lines.currency, null, lines.amount
    from lines
    inner join invoices
        on lines.invoice_id = invoices.invoice_id
    where lines.currency <> invoices.currency
    union all
    select 'money_in_other_currency',
        case entries.entry_type
            when 'collected' then 'payments'
            when 'refunded' then 'refunds'
            else 'credit_notes'
        end,
        entries.source_id, invoices.invoice_id, invoices.customer_id, entries.currency, null,
        abs(entries.amount)
    from entries
    inner join invoices
        on entries.invoice_id = invoices.invoice_id
    where entries.currency <> invoices.currency
        and entries.entry_type in ('collected', 'refunded', 'credited')
),

final as (
    select
        finding,
        'billing' as source,
        table_name,
        case
            when finding = 'money_in_other_currency'
                then substr(row_key, length('billing.' || table_name || '/') + 1)
            else row_key
        end as row_key,
        invoice_id,
        customer_id,
        currency,
        cast(expected_amount as decimal(22, 4)) as expected_amount,
        cast(found_amount as decimal(22, 4)) as found_amount,
        case finding
            when 'total_is_not_its_lines'
                then 'the invoice says one sum, its lines (less discounts, with tax) another: land'
                || ' the lines that are missing, or the invoice as it was sent'
            when 'paid_above_total'
                then 'more was paid, less refunds, than the invoice asks for: refund it, or take'
                || ' back the payment that landed twice under two ids'
            when 'credited_above_total'
                then 'credit notes take off more than the invoice asks for: void one of them'
            when 'refunded_above_payment'
                then 'more was given back than that payment brought in: look for a refund under'
                || ' two ids, or a payment that did not succeed'
            when 'paid_on_unsent_invoice'
                then 'the invoice was never sent, or voided, and so asks for nothing: refund the'
                || ' payment, or land the invoice as it stands'
            else 'it is not in the currency of its invoice, and counts at its own rate: land it'
                || ' with the right code, or the invoice'
        end as detail
    from found
)

select * from final
