with lines as (
    select * from {{ ref('int_revenue_line_months') }}
),

months as (
    select * from {{ ref('int_book_months') }}
),

-- Credit notes reduce the month in which they are issued; earlier months stay as they are.
credits as (
    select
        customer_id,
        month,
        sum(-amount) as credited
    from {{ ref('int_receivables_valued') }}
    where entry_type = 'credited'
    group by
        customer_id,
        month
),

sums as (
    select
        customer_id,
        month,
        sum(billed) as billed,
        sum(tax) as tax_billed,
        sum(earned) as earned,
        sum(deferred) as deferred_closing,
        sum(unbilled) as unbilled_closing
    from lines
    group by
        customer_id,
        month
),

opening as (
    select
        sums.customer_id,
        months.month,
        sums.deferred_closing as deferred_opening,
        sums.unbilled_closing as unbilled_opening
    from sums
    inner join months
        on {{ add_months('sums.month', 1) }} = months.month
    where sums.deferred_closing <> 0
        or sums.unbilled_closing <> 0
),

keys as (
    select customer_id, month from sums
    union
    select customer_id, month from credits
    union
    select customer_id, month from opening
),

final as (
    select
        keys.customer_id,
        keys.month,
        cast(coalesce(sums.earned, 0) - coalesce(credits.credited, 0) as decimal(18, 2))
            as recognized,
        cast(coalesce(sums.deferred_closing, 0) as decimal(18, 2)) as deferred_closing,
        cast(coalesce(sums.billed, 0) as decimal(18, 2)) as billed,
        cast(coalesce(credits.credited, 0) as decimal(18, 2)) as credited,
        cast(coalesce(sums.earned, 0) as decimal(18, 2)) as earned,
        cast(coalesce(opening.deferred_opening, 0) as decimal(18, 2)) as deferred_opening,
        cast(coalesce(opening.unbilled_opening, 0) as decimal(18, 2)) as unbilled_opening,
        cast(coalesce(sums.unbilled_closing, 0) as decimal(18, 2)) as unbilled_closing,
        cast(coalesce(sums.tax_billed, 0) as decimal(18, 2)) as tax_billed,
        months.is_complete
    from keys
    inner join months
        on keys.month = months.month
    left join sums
        on keys.customer_id = sums.customer_id
        and keys.month = sums.month
    left join credits
        on keys.customer_id = credits.customer_id
        and keys.month = credits.month
    left join opening
        on keys.customer_id = opening.customer_id
        and keys.month = opening.month
)

select * from final
