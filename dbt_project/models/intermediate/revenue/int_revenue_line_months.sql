-- What of a line was earned and billed by the end of a month, and what that leaves deferred or
-- unbilled (docs/books_rules.md 3). One row per line and month in which something of it stands.
with lines as (
    select
        *,
        {{ days_between('earned_from_date', 'earned_to_date') }} as period_days,
        least(invoice_date, earned_from_date) as first_date,
        greatest(invoice_date, {{ add_days('earned_to_date', -1) }}) as last_date
    from {{ ref('int_revenue_lines') }}
    where amount <> 0
        or tax <> 0
),

months as (
    select * from {{ ref('int_book_months') }}
),

by_month as (
    select
        lines.invoice_line_item_id,
        lines.customer_id,
        months.month,
        lines.amount,
        lines.period_days,
        lines.invoice_date <= months.month_end_date as is_billed,
        {{ first_of_month('lines.invoice_date') }} = months.month as is_billed_now,
        lines.tax,
        least(
            lines.period_days,
            greatest(
                0,
                {{ days_between('lines.earned_from_date', add_days('months.month_end_date', 1)) }}
            )
        ) as earned_days,
        least(
            lines.period_days,
            greatest(0, {{ days_between('lines.earned_from_date', 'months.month') }})
        ) as earned_days_before
    from lines
    inner join months
        on months.month >= {{ first_of_month('lines.first_date') }}
        and months.month <= {{ first_of_month('lines.last_date') }}
),

-- A day carries the same as any other; the sum to date is rounded, so the last day takes the rest.
earned as (
    select
        *,
        {{ share_in_cents('amount', 'earned_days', 'period_days') }} as earned_to_date,
        {{ share_in_cents('amount', 'earned_days_before', 'period_days') }} as earned_before,
        case when is_billed then amount else 0 end as billed_to_date
    from by_month
),

final as (
    select
        invoice_line_item_id,
        customer_id,
        month,
        case when is_billed_now then amount else 0 end as billed,
        case when is_billed_now then tax else 0 end as tax,
        earned_to_date - earned_before as earned,
        -- A line that gives back defers and earns below 0.
        case
            when amount >= 0 then greatest(billed_to_date - earned_to_date, 0)
            else least(billed_to_date - earned_to_date, 0)
        end as deferred,
        case
            when amount >= 0 then greatest(earned_to_date - billed_to_date, 0)
            else least(earned_to_date - billed_to_date, 0)
        end as unbilled
    from earned
)

select * from final
