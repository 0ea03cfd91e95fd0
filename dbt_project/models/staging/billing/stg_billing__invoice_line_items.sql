{{ config(materialized='view') }}

-- A view: most lines come once and are read where they lie, each column by whom it concerns.
with landed as (
    select * from {{ ref('stg_billing__invoice_line_items_landed') }}
),

repeated as (
    select * from {{ ref('stg_billing__invoice_line_items_repeated') }}
),

-- From the table itself: a CTE read twice is written down whole, and columns that nobody asked for
-- are read with it.
repeated_ids as (
    select invoice_line_item_id
    from {{ ref('stg_billing__invoice_line_items_repeated') }}
    group by invoice_line_item_id
),

final as (
    select
        landed.invoice_line_item_id,
        landed.invoice_id,
        landed.subscription_id,
        landed.subscription_item_id,
        landed.price_id,
        landed.line_type,
        landed.description,
        landed.currency,
        landed.amount,
        landed.discount_amount,
        landed.tax_amount,
        landed.quantity,
        landed.is_proration,
        landed.period_started_at,
        landed.period_ended_at,
        {{ only_version_columns() }}
    from landed
    left join repeated_ids
        on landed.invoice_line_item_id = repeated_ids.invoice_line_item_id
    where repeated_ids.invoice_line_item_id is null
    union all
    select
        invoice_line_item_id,
        invoice_id,
        subscription_id,
        subscription_item_id,
        price_id,
        line_type,
        description,
        currency,
        amount,
        discount_amount,
        tax_amount,
        quantity,
        is_proration,
        period_started_at,
        period_ended_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from repeated
)

select * from final
