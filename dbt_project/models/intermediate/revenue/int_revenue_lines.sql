-- Lines of issued invoices as revenue: their amount after discount and before tax, in the reporting
-- currency, and the days over which it is earned (docs/books_rules.md 3). One row per line.
{%- set rate -%}
    case
        when lines.currency = invoices.currency then invoices.rate
        else {{ rate_of('lines.currency', 'rates.rate') }}
    end
{%- endset %}
with lines as (
    select * from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
),

invoices as (
    select * from {{ ref('int_invoices_issued') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

-- A line in another currency than its invoice is valued by its own.
dated as (
    select
        lines.invoice_line_item_id,
        lines.invoice_id,
        invoices.customer_id,
        invoices.invoice_date,
        lines.currency,
        {{ to_cents('(lines.amount - lines.discount_amount) * ' ~ rate) }} as amount,
        {{ to_cents('lines.tax_amount * ' ~ rate) }} as tax,
        {{ local_date('lines.period_started_at') }} as period_from_date,
        {{ local_date('lines.period_ended_at') }} as period_to_date
    from lines
    inner join invoices
        on lines.invoice_id = invoices.invoice_id
    left join rates
        on lines.currency <> invoices.currency
        and lines.currency = rates.currency
        and invoices.invoice_date = rates.valuation_date
),

-- What has no service period of at least a day is earned on the day of its invoice.
final as (
    select
        invoice_line_item_id,
        invoice_id,
        customer_id,
        invoice_date,
        currency,
        amount,
        tax,
        case when period_from_date < period_to_date then period_from_date else invoice_date end
            as earned_from_date,
        case
            when period_from_date < period_to_date then period_to_date
            else {{ add_days('invoice_date', 1) }}
        end as earned_to_date
    from dated
)

select * from final
