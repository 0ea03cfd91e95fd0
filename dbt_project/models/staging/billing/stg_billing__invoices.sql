{{ config(materialized='view') }}

-- A view: most invoices come once and are read where they lie, each column by whom it concerns.
with landed as (
    select * from {{ ref('stg_billing__invoices_landed') }}
),

repeated as (
    select * from {{ ref('stg_billing__invoices_repeated') }}
),

-- From the table itself: a CTE read twice is written down whole, and columns that nobody asked for
-- are read with it.
repeated_ids as (
    select invoice_id
    from {{ ref('stg_billing__invoices_repeated') }}
    group by invoice_id
),

final as (
    select
        landed.invoice_id,
        landed.customer_id,
        landed.subscription_id,
        landed.status,
        landed.currency,
        landed.subtotal,
        landed.discount_amount,
        landed.tax,
        landed.total,
        landed.amount_paid,
        landed.attempt_count,
        landed.created_at,
        landed.due_at,
        landed.paid_at,
        landed.period_started_at,
        landed.period_ended_at,
        {{ only_version_columns() }}
    from landed
    left join repeated_ids
        on landed.invoice_id = repeated_ids.invoice_id
    where repeated_ids.invoice_id is null
    union all
    select
        invoice_id,
        customer_id,
        subscription_id,
        status,
        currency,
        subtotal,
        discount_amount,
        tax,
        total,
        amount_paid,
        attempt_count,
        created_at,
        due_at,
        paid_at,
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
