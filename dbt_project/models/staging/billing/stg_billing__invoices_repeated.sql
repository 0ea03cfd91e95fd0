-- The versions of those invoices that landed several times; an exact duplicate of a row changes
-- nothing.
with landed as (
    select * from {{ ref('stg_billing__invoices_landed') }}
),

repeated as (
    select invoice_id
    from {{ ref('stg_billing__invoices_landed') }}
    group by invoice_id
    having count(*) > 1
),

several as (
    select landed.*
    from landed
    inner join repeated
        on landed.invoice_id = repeated.invoice_id
    group by all
),

final as (
    select
        *,
        {{ version_columns('invoice_id') }}
    from several
    {{ version_window('invoice_id', [
        'customer_id', 'subscription_id', 'status', 'currency', 'subtotal',
        'discount_amount', 'tax', 'total', 'amount_paid', 'attempt_count', 'created_at',
        'due_at', 'paid_at', 'period_started_at', 'period_ended_at'
    ]) }}
)

select * from final
