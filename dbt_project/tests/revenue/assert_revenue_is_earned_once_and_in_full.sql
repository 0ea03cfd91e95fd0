-- Over its life a line earns its amount, no more and no less, and is billed once: lines whose
-- service is over by the as-of date (docs/books_rules.md 3).
with lines as (
    select * from {{ ref('int_revenue_lines') }}
    where earned_to_date <= {{ add_days(as_of_date(), 1) }}
),

months as (
    select
        invoice_line_item_id,
        sum(earned) as earned,
        sum(billed) as billed
    from {{ ref('int_revenue_line_months') }}
    group by invoice_line_item_id
)

select
    lines.*,
    months.earned,
    months.billed
from lines
left join months
    on lines.invoice_line_item_id = months.invoice_line_item_id
where coalesce(months.earned, 0) <> lines.amount
    or coalesce(months.billed, 0) <> lines.amount
