{%- set timing_days = var('reconciliation_timing_days') -%}

-- Why subscription and invoices differ, item by item: one reason (docs/books_rules.md 2). One row
-- per month, customer, item and currency; MRR in the reporting currency, exact.
with items as (
    select * from {{ ref('int_reconciled_items') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

valued as (
    select
        items.*,
        {{ rate_of('items.currency', 'rates.rate') }} as rate
    from items
    left join rates
        on items.currency = rates.currency
        and items.month_end_date = rates.valuation_date
),

compared as (
    select
        *,
        subscription_net_mrr - invoice_net_mrr as difference_native,
        abs(subscription_net_mrr - invoice_net_mrr) <= tolerance + 0.005 as is_matched,
        abs(subscription_gross_mrr - invoice_gross_mrr) <= tolerance + 0.005 as is_gross_matched
    from valued
),

final as (
    select
        month,
        customer_id,
        subscription_id,
        subscription_item_id,
        currency,
        rate,
        is_metered,
        cast(subscription_net_mrr * rate as {{ exact_type() }}) as subscription_mrr,
        cast(invoice_net_mrr * rate as {{ exact_type() }}) as invoice_mrr,
        cast(difference_native * rate as {{ exact_type() }}) as difference,
        cast(tolerance * rate as {{ exact_type() }}) as tolerance,
        subscription_quantity,
        invoice_quantity,
        subscription_price_id,
        invoice_price_id,
        service_end_date,
        is_paid,
        line_ids,
        case
            when is_matched then 'matched'
            when is_metered then 'metered'
            -- What was invoiced before the service ended runs out; what was changed after the last
            -- invoice comes with the next one; an invoice of the last days may be on its way.
            when not is_in_service and invoice_date <= service_end_date then 'timing'
            when is_in_service and is_invoiced and changed_date > last_invoice_date then 'timing'
            when is_in_service and not is_invoiced
                and uncovered_since_date
                > {{ add_days(as_of_date(), '-' ~ timing_days) }} then 'timing'
            when not is_invoiced then 'not_invoiced'
            when not is_in_service then 'invoiced_without_subscription'
            when is_gross_matched then 'discount_differs'
            when subscription_price_id is distinct from invoice_price_id then 'price_differs'
            when subscription_quantity is distinct from invoice_quantity then 'quantity_differs'
            else 'price_differs'
        end as reason
    from compared
)

select * from final
