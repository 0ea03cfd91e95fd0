-- The entries in the reporting currency (docs/books_rules.md 1). What is owed on an invoice is
-- valued at its day's rate and rounded; an entry is the difference it makes, so that an invoice
-- that is settled leaves nothing behind. One row per entry.
with entries as (
    select * from {{ ref('int_receivable_entries') }}
),

invoices as (
    select * from {{ ref('int_invoices_issued') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

placed as (
    select
        entries.entry_type,
        entries.source_id,
        invoices.invoice_id,
        coalesce(invoices.customer_id, entries.customer_id, 'unknown') as customer_id,
        coalesce(invoices.invoice_id, entries.source_id) as account_id,
        entries.currency,
        entries.amount,
        entries.entry_date,
        coalesce(
            case when entries.currency = invoices.currency then invoices.rate end,
            {{ rate_of('entries.currency', 'rates.rate') }}
        ) as rate,
        case entries.entry_type
            when 'billed' then 1
            when 'credited' then 2
            when 'collected' then 3
            when 'refunded' then 4
            else 5
        end as entry_order
    from entries
    left join invoices
        on entries.invoice_id = invoices.invoice_id
    left join rates
        on entries.currency = rates.currency
        and entries.entry_date = rates.valuation_date
),

swept as (
    select
        *,
        sum(cast(amount * rate as {{ exact_type() }})) over account_entries as exact_after,
        sum(cast(amount * rate as {{ exact_type() }})) over account_entries
        - cast(amount * rate as {{ exact_type() }}) as exact_before
    from placed
    window account_entries as (
        partition by account_id
        order by entry_date, entry_order, source_id
        rows between unbounded preceding and current row
    )
),

final as (
    select
        entry_type,
        source_id,
        invoice_id,
        customer_id,
        currency,
        amount as amount_native,
        rate,
        entry_date,
        {{ first_of_month('entry_date') }} as month,
        {{ to_cents('exact_after') }} - {{ to_cents('exact_before') }} as amount
    from swept
)

select * from final
