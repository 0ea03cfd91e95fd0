{{ config(materialized='view') }}

-- A view: most payments come once and are read where they lie, each column by whom it concerns.
with landed as (
    select * from {{ ref('stg_billing__payments_landed') }}
),

repeated as (
    select * from {{ ref('stg_billing__payments_repeated') }}
),

-- From the table itself: a CTE read twice is written down whole, and columns that nobody asked for
-- are read with it.
repeated_ids as (
    select payment_id
    from {{ ref('stg_billing__payments_repeated') }}
    group by payment_id
),

final as (
    select
        landed.payment_id,
        landed.invoice_id,
        landed.customer_id,
        landed.payment_method_id,
        landed.status,
        landed.failure_code,
        landed.currency,
        landed.amount,
        landed.created_at,
        {{ only_version_columns() }}
    from landed
    left join repeated_ids
        on landed.payment_id = repeated_ids.payment_id
    where repeated_ids.payment_id is null
    union all
    select
        payment_id,
        invoice_id,
        customer_id,
        payment_method_id,
        status,
        failure_code,
        currency,
        amount,
        created_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from repeated
)

select * from final
