-- No payment, refund, credit note or invoice falls out on its way into the marts: sums by currency
-- are those of the staged rows, and the mart has the sum of its entries.
with staged as (
    select 'billed' as entry_type, currency, total as amount
    from {{ ref('stg_billing__invoices') }}
    where is_current
        and coalesce(status, 'open') not in ('draft', 'void')
        and {{ local_date('coalesce(created_at, valid_from)') }} <= {{ as_of_date() }}
    union all
    select 'credited', currency, -amount
    from {{ ref('stg_billing__credit_notes') }}
    where is_current
        and voided_at is null
        and {{ local_date('created_at') }} <= {{ as_of_date() }}
    union all
    select 'collected', currency, -amount
    from {{ ref('stg_billing__payments') }}
    where is_current
        and status = 'succeeded'
        and {{ local_date('created_at') }} <= {{ as_of_date() }}
    union all
    select 'refunded', currency, amount
    from {{ ref('stg_billing__refunds') }}
    where is_current
        and coalesce(status, 'succeeded') = 'succeeded'
        and {{ local_date('created_at') }} <= {{ as_of_date() }}
),

staged_sums as (
    select entry_type, currency, sum(amount) as amount
    from staged
    group by entry_type, currency
),

valued_sums as (
    select entry_type, currency, sum(amount_native) as amount
    from {{ ref('int_receivables_valued') }}
    -- What an invoice says was paid has no payment of its own.
    where entry_type in ('billed', 'credited', 'refunded')
        or (entry_type = 'collected' and source_id like 'billing.payments/%')
    group by entry_type, currency
),

published as (
    select
        sum(outstanding_opening + billed - credited - collected + refunded - conceded - written_off)
        - sum(outstanding_opening) as moved
    from {{ ref('fct_mrr_invoice_reconciliation') }}
),

entered as (
    select coalesce(sum(amount), 0) as moved
    from {{ ref('int_receivables_valued') }}
)

select
    coalesce(staged_sums.entry_type, valued_sums.entry_type) as what,
    coalesce(staged_sums.currency, valued_sums.currency) as currency,
    staged_sums.amount as expected,
    valued_sums.amount as found
from staged_sums
full outer join valued_sums
    on staged_sums.entry_type = valued_sums.entry_type
    and staged_sums.currency = valued_sums.currency
where coalesce(staged_sums.amount, 0) <> coalesce(valued_sums.amount, 0)
union all
select 'published', '{{ var("reporting_currency") }}', entered.moved, published.moved
from entered
cross join published
where entered.moved <> coalesce(published.moved, 0)
