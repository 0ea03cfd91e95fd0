-- The invoice lines that say what an item charges, and from when until when each speaks: before an
-- item's first version, and all along where a policy reads invoices (docs/mrr_rules.md 3). One row
-- per basis, kind of item, item, raw row and stretch.
with lines as (
    select
        prepared.*,
        prices.price_id is not null as is_known_price,
        coalesce(prices.price_type, 'recurring') as price_type,
        coalesce(prices.usage_type, 'licensed') as usage_type
    from {{ ref('int_invoice_lines_prepared') }} as prepared
    left join {{ ref('int_price_versions') }} as prices
        on prepared.price_id = prices.price_id
        and prices.is_current
    where prepared.invoice_status not in ('draft', 'void')
),

first_versions as (
    select
        subscription_item_id,
        min(valid_from_date) as first_version_date
    from {{ ref('stg_billing__subscription_items') }}
    group by subscription_item_id
),

-- Bases are computed where an enabled policy asks for them.
variants as (
    select
        max(case when mrr_basis = 'invoice' then 1 else 0 end) as reads_lines,
        max(case when metered = 'invoiced' then 1 else 0 end) as reads_usage
    from {{ ref('int_mrr_variants') }}
),

charging as (
    select * from lines
    where amount >= 0
        and (line_type = 'subscription' or is_proration)
        and price_type = 'recurring'
        and usage_type = 'licensed'
        and period_from_date is not null
        and period_to_date is not null
),

dated as (
    select
        'subscription' as mrr_basis,
        'licensed' as item_kind,
        charging.subscription_item_id,
        charging.invoice_line_item_id,
        charging.invoice_id,
        charging.period_from_date as from_date,
        first_versions.first_version_date as end_date
    from charging
    inner join first_versions
        on charging.subscription_item_id = first_versions.subscription_item_id
        and charging.period_from_date < first_versions.first_version_date
    where charging.is_known_price
    union all
    select
        'invoice' as mrr_basis,
        'licensed' as item_kind,
        charging.subscription_item_id,
        charging.invoice_line_item_id,
        charging.invoice_id,
        charging.period_from_date as from_date,
        {{ end_of_time() }} as end_date
    from charging
    inner join variants
        on variants.reads_lines = 1
    where charging.subscription_item_id is not null
        and charging.period_from_date < charging.period_to_date
    union all
    select
        'subscription' as mrr_basis,
        'metered' as item_kind,
        lines.subscription_item_id,
        lines.invoice_line_item_id,
        lines.invoice_id,
        lines.invoice_date as from_date,
        {{ end_of_time() }} as end_date
    from lines
    inner join variants
        on variants.reads_usage = 1
    where lines.usage_type = 'metered'
        and lines.subscription_item_id is not null
        and lines.invoice_date is not null
),

starts as (
    select
        mrr_basis,
        item_kind,
        subscription_item_id,
        from_date,
        lead(from_date) over item_starts as next_from_date,
        lag(from_date) over item_starts is null as is_first
    from dated
    group by
        mrr_basis,
        item_kind,
        subscription_item_id,
        from_date
    window item_starts as (
        partition by mrr_basis, item_kind, subscription_item_id order by from_date
    )
),

spoken as (
    select
        dated.mrr_basis,
        dated.item_kind,
        dated.subscription_item_id,
        dated.invoice_line_item_id,
        dated.invoice_id,
        -- Before versions the first line also speaks for the time before it.
        case
            when starts.is_first and dated.end_date < {{ end_of_time() }} then {{ start_of_time() }}
            else dated.from_date
        end as from_date,
        least(coalesce(starts.next_from_date, dated.end_date), dated.end_date) as to_date
    from dated
    inner join starts
        on dated.mrr_basis = starts.mrr_basis
        and dated.item_kind = starts.item_kind
        and dated.subscription_item_id = starts.subscription_item_id
        and dated.from_date = starts.from_date
),

unattached as (
    select
        'invoice' as mrr_basis,
        'unattached' as item_kind,
        charging.invoice_line_item_id as subscription_item_id,
        charging.invoice_line_item_id,
        charging.invoice_id,
        charging.period_from_date as from_date,
        charging.period_to_date as to_date
    from charging
    inner join variants
        on variants.reads_lines = 1
),

everything as (
    select * from spoken
    union all
    select * from unattached
),

final as (
    select
        mrr_basis,
        item_kind,
        subscription_item_id,
        'billing.invoice_line_items/' || invoice_line_item_id as source_id,
        from_date,
        to_date
    from everything
    union
    select
        mrr_basis,
        item_kind,
        subscription_item_id,
        'billing.invoices/' || invoice_id,
        from_date,
        to_date
    from everything
)

select * from final
