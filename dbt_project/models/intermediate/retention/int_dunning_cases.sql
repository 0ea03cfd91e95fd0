-- Every invoice on which a payment failed, and what became of it (docs/retention_rules.md 9). One
-- row per invoice; a failed payment without an invoice is a case of its own.
with payments as (
    select
        payment_id,
        invoice_id,
        coalesce(invoice_id, 'payment ' || payment_id) as case_id,
        customer_id,
        status,
        amount,
        currency,
        created_at
    from {{ ref('stg_billing__payments') }}
    where is_current
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

failures as (
    select
        case_id,
        min(invoice_id) as invoice_id,
        min_by(customer_id, payment_id) as customer_id,
        min(created_at) as first_failed_at,
        count(*) as failed_attempts
    from payments
    where status = 'failed'
        and created_at is not null
    group by case_id
),

-- What was to be paid is what the first attempt asked for.
first_attempts as (
    select
        failures.case_id,
        payments.amount,
        payments.currency,
        row_number() over (
            partition by failures.case_id order by payments.payment_id
        ) as preference
    from failures
    inner join payments
        on failures.case_id = payments.case_id
        and failures.first_failed_at = payments.created_at
        and payments.status = 'failed'
),

later_attempts as (
    select
        failures.case_id,
        count(*) as attempts,
        min(case when payments.status = 'succeeded' then payments.created_at end)
            as succeeded_at
    from failures
    inner join payments
        on failures.case_id = payments.case_id
        and failures.first_failed_at < payments.created_at
    group by failures.case_id
),

found as (
    select
        failures.case_id,
        failures.invoice_id,
        failures.customer_id,
        invoices.subscription_id,
        {{ local_date('failures.first_failed_at') }} as failed_date,
        first_attempts.amount,
        first_attempts.currency,
        failures.failed_attempts,
        coalesce(later_attempts.attempts, 0) > 0 as is_retried,
        -- An invoice may be paid outside the payments that landed.
        {{ local_date(
            "coalesce(later_attempts.succeeded_at, case when invoices.status = 'paid' then greatest("
            ~ "coalesce(invoices.paid_at, failures.first_failed_at), failures.first_failed_at) end)"
        ) }} as recovered_date,
        coalesce(invoices.status in ('void', 'uncollectible'), false) as is_written_off
    from failures
    inner join first_attempts
        on failures.case_id = first_attempts.case_id
        and first_attempts.preference = 1
    left join later_attempts
        on failures.case_id = later_attempts.case_id
    left join invoices
        on failures.invoice_id = invoices.invoice_id
),

final as (
    select
        found.case_id,
        found.invoice_id,
        found.customer_id,
        found.subscription_id,
        found.failed_date,
        found.failed_attempts,
        found.is_retried,
        found.recovered_date,
        found.is_written_off,
        case
            when found.currency = '{{ var("reporting_currency") }}'
                then cast(round(found.amount, 2) as decimal(18, 2))
            else cast(
                round(cast(found.amount as decimal(28, 4)) * cast(rates.rate as decimal(18, 10)), 2)
                as decimal(18, 2)
            )
        end as amount
    from found
    left join rates
        on found.currency = rates.currency
        and found.failed_date = rates.valuation_date
)

select * from final
