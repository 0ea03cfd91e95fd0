-- deferred - unbilled of a month is that of the month before + billed - earned, exactly; recognised
-- is earned less credited; no balance is lost between months (docs/books_rules.md 3).
with months as (
    select
        *,
        lead(deferred_opening) over customer_months as next_deferred,
        lead(unbilled_opening) over customer_months as next_unbilled,
        lead(month) over customer_months as next_month
    from {{ ref('fct_recognized_revenue_by_month') }}
    window customer_months as (partition by customer_id order by month)
)

select *
from months
where deferred_closing - unbilled_closing
    <> deferred_opening - unbilled_opening + billed - earned
    or recognized <> earned - credited
    or (
        next_month = {{ add_months('month', 1) }}
        and (next_deferred <> deferred_closing or next_unbilled <> unbilled_closing)
    )
    or (
        next_month > {{ add_months('month', 1) }}
        and (deferred_closing <> 0 or unbilled_closing <> 0)
    )
