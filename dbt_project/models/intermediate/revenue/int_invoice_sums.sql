-- What lines, payments and credit notes say of an invoice in its own currency, to be held against
-- what it says itself (docs/books_rules.md 5). One row per invoice that was sent.
with invoices as (
    select * from {{ ref('int_invoices_issued') }}
),

lines as (
    select * from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
),

entries as (
    select * from {{ ref('int_receivable_entries') }}
),

line_sums as (
    select
        invoice_id,
        currency,
        sum(amount) as amount,
        sum(discount_amount) as discount_amount,
        sum(tax_amount) as tax_amount,
        max(abs(discount_amount)) > 0 as has_discounts,
        max(abs(tax_amount)) > 0 as has_taxes
    from lines
    group by
        invoice_id,
        currency
),

line_currencies as (
    select
        invoice_id,
        count(*) as currency_count
    from line_sums
    group by invoice_id
),

settled as (
    select
        invoice_id,
        currency,
        sum(case when entry_type in ('collected', 'refunded') then -amount else 0 end) as paid,
        sum(case when entry_type = 'credited' then -amount else 0 end) as credited
    from entries
    where invoice_id is not null
    group by
        invoice_id,
        currency
),

final as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        invoices.currency,
        invoices.total,
        coalesce(line_currencies.currency_count, 0) as line_currencies,
        coalesce(line_currencies.currency_count, 0)
        > case when line_sums.invoice_id is null then 0 else 1 end as has_foreign_lines,
        -- Where no line says what was taken off or added as tax, the invoice does.
        coalesce(
            line_sums.amount
            - case
                when line_sums.has_discounts then line_sums.discount_amount
                else invoices.discount_amount
            end
            + case when line_sums.has_taxes then line_sums.tax_amount else invoices.tax end, 0
        ) as lines_total,
        coalesce(settled.paid, 0) as paid,
        coalesce(settled.credited, 0) as credited
    from invoices
    left join line_currencies
        on invoices.invoice_id = line_currencies.invoice_id
    left join line_sums
        on invoices.invoice_id = line_sums.invoice_id
        and invoices.currency = line_sums.currency
    left join settled
        on invoices.invoice_id = settled.invoice_id
        and invoices.currency = settled.currency
)

select * from final
