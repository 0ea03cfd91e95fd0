-- Everything that moves what customers owe, in the currency it is billed in (docs/books_rules.md
-- 1). One row per entry; `amount` raises (+) or lowers (-) what is owed. Money that names no known
-- invoice is on an account of its own.
with invoices as (
    select * from {{ ref('int_invoices_issued') }}
),

payments as (
    select
        *,
        {{ local_date('created_at') }} as entry_date
    from {{ ref('stg_billing__payments') }}
    where is_current
        and status = 'succeeded'
),

refunds as (
    select
        refunds.refund_id,
        refunds.amount,
        refunds.currency,
        {{ local_date('refunds.created_at') }} as entry_date,
        payments.invoice_id,
        payments.customer_id
    from {{ ref('stg_billing__refunds') }} as refunds
    left join {{ ref('stg_billing__payments') }} as payments
        on refunds.payment_id = payments.payment_id
        and payments.is_current
    where refunds.is_current
        and coalesce(refunds.status, 'succeeded') = 'succeeded'
),

-- A credit note that was voided is taken as never issued.
credit_notes as (
    select
        *,
        {{ local_date('created_at') }} as entry_date
    from {{ ref('stg_billing__credit_notes') }}
    where is_current
        and voided_at is null
),

raw_entries as (
    select
        'billed' as entry_type,
        'billing.invoices/' || invoice_id as source_id,
        invoice_id,
        customer_id,
        currency,
        total as amount,
        invoice_date as entry_date
    from invoices
    union all
    select 'credited', 'billing.credit_notes/' || credit_note_id, invoice_id, customer_id, currency,
        -amount, entry_date
    from credit_notes
    union all
    select 'collected', 'billing.payments/' || payment_id, invoice_id, customer_id, currency,
        -amount, entry_date
    from payments
    union all
    select 'refunded', 'billing.refunds/' || refund_id, invoice_id, customer_id, currency, amount,
        entry_date
    from refunds
),

known as (
    select * from raw_entries
    where entry_date <= {{ as_of_date() }}
),

paid as (
    select
        invoice_id,
        -sum(amount) as amount
    from known
    where entry_type = 'collected'
    group by invoice_id
),

-- What an invoice says was paid, where no payment landed that says so.
with_unseen as (
    select * from known
    union all
    select
        'collected' as entry_type,
        'billing.invoices/' || invoices.invoice_id as source_id,
        invoices.invoice_id,
        invoices.customer_id,
        invoices.currency,
        coalesce(paid.amount, 0) - invoices.amount_paid as amount,
        least(invoices.settled_date, {{ as_of_date() }}) as entry_date
    from invoices
    left join paid
        on invoices.invoice_id = paid.invoice_id
    where invoices.amount_paid > coalesce(paid.amount, 0)
),

balances as (
    select
        invoice_id,
        sum(amount) as balance,
        sum(case when entry_type = 'refunded' then amount else 0 end) as refunded,
        max(case when entry_type = 'refunded' then entry_date end) as last_refund_date
    from with_unseen
    group by invoice_id
),

-- A paid invoice stays paid: what went back without a credit note is conceded, not owed anew. An
-- uncollectible one is written off.
final as (
    select * from with_unseen
    union all
    select
        case when invoices.status = 'uncollectible' then 'written_off' else 'conceded' end,
        'billing.invoices/' || invoices.invoice_id,
        invoices.invoice_id,
        invoices.customer_id,
        invoices.currency,
        case
            when invoices.status = 'uncollectible' then -balances.balance
            else -least(balances.balance, balances.refunded)
        end,
        case
            when invoices.status = 'uncollectible' then invoices.settled_date
            else balances.last_refund_date
        end
    from invoices
    inner join balances
        on invoices.invoice_id = balances.invoice_id
    where balances.balance > 0
        and (
            invoices.status = 'uncollectible'
            or (invoices.status = 'paid' and balances.refunded > 0)
        )
)

select * from final
