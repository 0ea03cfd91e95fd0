-- Invoices that were sent: neither drafts nor void (docs/books_rules.md 1). One row per invoice,
-- with the exchange rate of its day, at which everything that happens to it is valued.
with invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
        and coalesce(status, 'open') not in ('draft', 'void')
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

dated as (
    select
        *,
        {{ local_date('coalesce(created_at, valid_from)') }} as invoice_date
    from invoices
),

final as (
    select
        dated.invoice_id,
        dated.customer_id,
        dated.subscription_id,
        dated.status,
        dated.currency,
        dated.invoice_date,
        coalesce(dated.total, 0) as total,
        coalesce(dated.discount_amount, 0) as discount_amount,
        coalesce(dated.tax, 0) as tax,
        coalesce(dated.amount_paid, 0) as amount_paid,
        coalesce({{ local_date('dated.paid_at') }}, dated.valid_from_date) as settled_date,
        {{ rate_of('dated.currency', 'rates.rate') }} as rate
    from dated
    left join rates
        on dated.currency = rates.currency
        and dated.invoice_date = rates.valuation_date
    where dated.invoice_date <= {{ as_of_date() }}
)

select * from final
