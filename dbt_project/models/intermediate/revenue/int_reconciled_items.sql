-- The two sides with the dates that tell what is still to come (docs/books_rules.md 2). One row per
-- month, customer, item and currency.
with paired as (
    select * from {{ ref('int_reconciled_item_pairs') }}
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

-- Until when an item was in service that is not any more.
service_ends as (
    select
        paired.month,
        paired.customer_id,
        paired.subscription_item_id,
        max(item_stretches.to_date) as service_end_date
    from paired
    inner join item_stretches
        on paired.subscription_item_id = item_stretches.subscription_item_id
        and paired.customer_id = item_stretches.customer_id
        and item_stretches.to_date <= paired.month_end_date
    where not paired.is_in_service
    group by
        paired.month,
        paired.customer_id,
        paired.subscription_item_id
),

-- Until when an item in service was invoiced, where it is not any more.
covered as (
    select
        paired.month,
        paired.customer_id,
        paired.subscription_item_id,
        max(lines.period_to_date) as covered_to_date
    from paired
    inner join lines
        on paired.subscription_item_id = lines.subscription_item_id
        and paired.customer_id = lines.customer_id
        and lines.period_to_date <= paired.month_end_date
    where not paired.is_invoiced
    group by
        paired.month,
        paired.customer_id,
        paired.subscription_item_id
),

invoiced_until as (
    select
        subscription_id,
        max(invoice_date) as last_invoice_date
    from lines
    where subscription_id is not null
    group by subscription_id
),

final as (
    select
        paired.*,
        service_ends.service_end_date,
        greatest(
            paired.changed_date, coalesce(covered.covered_to_date, paired.changed_date)
        ) as uncovered_since_date,
        invoiced_until.last_invoice_date
    from paired
    left join service_ends
        on paired.month = service_ends.month
        and paired.customer_id = service_ends.customer_id
        and paired.subscription_item_id = service_ends.subscription_item_id
    left join covered
        on paired.month = covered.month
        and paired.customer_id = covered.customer_id
        and paired.subscription_item_id = covered.subscription_item_id
    left join invoiced_until
        on paired.subscription_id = invoiced_until.subscription_id
)

select * from final
