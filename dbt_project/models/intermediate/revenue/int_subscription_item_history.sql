-- Price and quantity of every subscription item over its life, from all evidence
-- (docs/mrr_rules.md 3): its versions and, before the first of them, invoice lines.
with versions as (
    select
        subscription_item_id,
        price_id,
        quantity,
        is_deleted,
        valid_from_date,
        valid_to_date,
        row_number() over (
            partition by subscription_item_id order by valid_from_date
        ) as version_number
    from {{ ref('stg_billing__subscription_items') }}
    where valid_from_date < valid_to_date
),

current_items as (
    select
        subscription_item_id,
        subscription_id,
        {{ local_date('created_at') }} as created_date
    from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

subscriptions as (
    select
        subscription_id,
        {{ local_date('created_at') }} as created_date,
        {{ local_date('started_at') }} as start_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and started_at is not null
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

-- An item as old as its subscription starts with it, however far the start was dated back.
items as (
    select
        current_items.subscription_item_id,
        current_items.subscription_id,
        case
            when coalesce(current_items.created_date, subscriptions.created_date)
                <= subscriptions.created_date
                then subscriptions.start_date
            else current_items.created_date
        end as item_start_date
    from current_items
    inner join subscriptions
        on current_items.subscription_id = subscriptions.subscription_id
),

first_versions as (
    select
        items.subscription_item_id,
        items.item_start_date,
        versions.price_id,
        versions.quantity,
        versions.valid_from_date as version_date
    from items
    inner join versions
        on items.subscription_item_id = versions.subscription_item_id
    where versions.version_number = 1
        and items.item_start_date < versions.valid_from_date
),

-- Of lines that start on one day the latest invoice's speaks.
evidence as (
    select
        first_versions.subscription_item_id,
        first_versions.item_start_date,
        first_versions.version_date,
        lines.price_id,
        lines.quantity,
        lines.period_from_date,
        row_number() over (
            partition by first_versions.subscription_item_id, lines.period_from_date
            order by lines.invoice_created_at desc, lines.invoice_line_item_id desc
        ) as preference
    from first_versions
    inner join lines
        on first_versions.subscription_item_id = lines.subscription_item_id
        and first_versions.version_date > lines.period_from_date
    inner join prices
        on lines.price_id = prices.price_id
    where lines.period_to_date is not null
        and lines.amount >= 0
        and (lines.line_type = 'subscription' or lines.is_proration)
        and lines.invoice_status not in ('draft', 'void')
        and prices.price_type = 'recurring'
        and prices.usage_type = 'licensed'
),

evidence_stretches as (
    select
        subscription_item_id,
        item_start_date,
        price_id,
        quantity,
        -- The first line also speaks for the time before it.
        case
            when lag(period_from_date) over item_lines is null then item_start_date
            else period_from_date
        end as from_date,
        coalesce(lead(period_from_date) over item_lines, version_date) as to_date
    from evidence
    where preference = 1
    window item_lines as (partition by subscription_item_id order by period_from_date)
),

unproven as (
    select
        first_versions.subscription_item_id,
        first_versions.item_start_date,
        first_versions.price_id,
        first_versions.quantity,
        first_versions.item_start_date as from_date,
        first_versions.version_date as to_date
    from first_versions
    left join evidence_stretches
        on first_versions.subscription_item_id = evidence_stretches.subscription_item_id
    where evidence_stretches.subscription_item_id is null
),

versioned as (
    select
        items.subscription_item_id,
        items.item_start_date,
        versions.price_id,
        versions.quantity,
        versions.valid_from_date as from_date,
        versions.valid_to_date as to_date
    from items
    inner join versions
        on items.subscription_item_id = versions.subscription_item_id
    where not versions.is_deleted
),

stretches as (
    select * from evidence_stretches
    union all
    select * from unproven
    union all
    select * from versioned
),

final as (
    select
        items.subscription_id,
        stretches.subscription_item_id,
        stretches.price_id,
        greatest(coalesce(stretches.quantity, 1), 0) as quantity,
        greatest(stretches.from_date, stretches.item_start_date) as from_date,
        stretches.to_date
    from stretches
    inner join items
        on stretches.subscription_item_id = items.subscription_item_id
    where greatest(stretches.from_date, stretches.item_start_date) < stretches.to_date
        and greatest(stretches.from_date, stretches.item_start_date) <= {{ as_of_date() }}
)

select * from final
