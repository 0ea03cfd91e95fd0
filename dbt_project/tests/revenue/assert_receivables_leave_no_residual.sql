-- Everything billed is credited, collected, conceded, written off or still owed: per customer and
-- month, and so in total; and a month opens with what the one before left (docs/books_rules.md 1).
with months as (
    select
        *,
        lead(outstanding_opening) over customer_months as next_opening,
        lead(month) over customer_months as next_month
    from {{ ref('fct_mrr_invoice_reconciliation') }}
    window customer_months as (partition by customer_id order by month)
)

select *
from months
where residual <> 0
    or (next_month = {{ add_months('month', 1) }} and next_opening <> outstanding)
    or (next_month > {{ add_months('month', 1) }} and (outstanding <> 0 or next_opening <> 0))
