-- Both sides of the reconciliation, item by item, at the end of each month, in the currency of the
-- item (docs/books_rules.md 2). One row per month, customer, item and currency.
with months as (
    select * from {{ ref('int_months') }}
),

variants as (
    select variant_id
    from {{ ref('int_metric_policies_enabled') }}
    where policy_id = '{{ var("official_policy") }}'
),

item_stretches as (
    select items.*
    from {{ ref('int_item_mrr_intervals') }} as items
    inner join variants
        on items.variant_id = variants.variant_id
),

lines as (
    select * from {{ ref('int_reconciled_invoice_lines') }}
),

by_subscription as (
    select
        months.month,
        months.month_end_date,
        item_stretches.customer_id,
        item_stretches.subscription_id,
        item_stretches.subscription_item_id,
        item_stretches.currency,
        max(case when item_stretches.item_kind = 'metered' then 1 else 0 end) as is_metered,
        sum(item_stretches.gross_mrr) as gross_mrr,
        sum(item_stretches.net_mrr) as net_mrr,
        max(item_stretches.quantity) as quantity,
        max(item_stretches.price_id) as price_id,
        max(item_stretches.from_date) as changed_date
    from item_stretches
    inner join months
        on item_stretches.from_date <= months.month_end_date
        and item_stretches.to_date > months.month_end_date
    group by all
),

by_invoice as (
    select
        months.month,
        months.month_end_date,
        lines.customer_id,
        max(lines.subscription_id) as subscription_id,
        lines.subscription_item_id,
        lines.currency,
        max(case when lines.is_metered then 1 else 0 end) as is_metered,
        sum(lines.gross_mrr) as gross_mrr,
        sum(lines.net_mrr) as net_mrr,
        sum(lines.quantity) as quantity,
        -- The price of the latest charge.
        substr(
            max(
                case
                    when lines.quantity > 0
                        then cast(lines.period_from_date as {{ dbt.type_string() }}) || ' '
                        || lines.price_id
                end
            ), 12
        ) as price_id,
        sum(lines.tolerance) as tolerance,
        max(lines.invoice_date) as invoice_date,
        max(case when lines.invoice_status = 'paid' and not lines.is_refunded then 1 else 0 end)
            as is_paid,
        {{ sorted_list("'billing.invoice_line_items/' || lines.invoice_line_item_id") }} as line_ids
    from lines
    inner join months
        on lines.period_from_date <= months.month_end_date
        and lines.period_to_date > months.month_end_date
    group by
        months.month,
        months.month_end_date,
        lines.customer_id,
        lines.subscription_item_id,
        lines.currency
),

paired as (
    select
        coalesce(by_subscription.month, by_invoice.month) as month,
        coalesce(by_subscription.month_end_date, by_invoice.month_end_date) as month_end_date,
        coalesce(by_subscription.customer_id, by_invoice.customer_id) as customer_id,
        coalesce(by_subscription.subscription_id, by_invoice.subscription_id) as subscription_id,
        coalesce(by_subscription.subscription_item_id, by_invoice.subscription_item_id)
            as subscription_item_id,
        coalesce(by_subscription.currency, by_invoice.currency) as currency,
        greatest(coalesce(by_subscription.is_metered, 0), coalesce(by_invoice.is_metered, 0)) = 1
            as is_metered,
        coalesce(by_subscription.gross_mrr, 0) as subscription_gross_mrr,
        coalesce(by_subscription.net_mrr, 0) as subscription_net_mrr,
        by_subscription.quantity as subscription_quantity,
        by_subscription.price_id as subscription_price_id,
        by_subscription.changed_date,
        by_subscription.customer_id is not null as is_in_service,
        coalesce(by_invoice.gross_mrr, 0) as invoice_gross_mrr,
        coalesce(by_invoice.net_mrr, 0) as invoice_net_mrr,
        by_invoice.quantity as invoice_quantity,
        by_invoice.price_id as invoice_price_id,
        coalesce(by_invoice.tolerance, 0) as tolerance,
        by_invoice.invoice_date,
        by_invoice.customer_id is not null as is_invoiced,
        coalesce(by_invoice.is_paid, 0) = 1 as is_paid,
        coalesce(by_invoice.line_ids, {{ empty_list() }}) as line_ids
    from by_subscription
    full outer join by_invoice
        on by_subscription.month = by_invoice.month
        and by_subscription.customer_id = by_invoice.customer_id
        and by_subscription.subscription_item_id = by_invoice.subscription_item_id
        and by_subscription.currency = by_invoice.currency
)

select * from paired
