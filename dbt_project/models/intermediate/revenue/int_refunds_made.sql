-- Refunds that were made, with the invoice whose payment they give back. One row per refund;
-- invoice columns are null where payment or invoice has not landed.
with refunds as (
    select * from {{ ref('stg_billing__refunds') }}
    where is_current
        and coalesce(status, 'succeeded') = 'succeeded'
        and amount > 0
),

payments as (
    select * from {{ ref('stg_billing__payments') }}
    where is_current
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
),

final as (
    select
        refunds.refund_id,
        refunds.payment_id,
        payments.invoice_id,
        invoices.customer_id,
        invoices.subscription_id,
        refunds.currency,
        refunds.amount,
        {{ local_date('refunds.created_at') }} as refund_date
    from refunds
    left join payments
        on refunds.payment_id = payments.payment_id
    left join invoices
        on payments.invoice_id = invoices.invoice_id
)

select * from final
