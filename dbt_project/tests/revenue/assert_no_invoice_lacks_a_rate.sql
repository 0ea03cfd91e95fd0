-- Invoices, lines and payments in a currency without a rate would be left out of receivables and
-- revenue: nothing is released until the rate has landed (finance.fx_rates, at most fx_max_age_days
-- older), or the currency is corrected.
with affected as (
    select
        currency,
        entry_date as needed_date
    from {{ ref('int_receivables_valued') }}
    where amount is null
    union all
    select
        currency,
        invoice_date
    from {{ ref('int_revenue_lines') }}
    where amount is null
)

select
    currency,
    min(needed_date) as first_date,
    max(needed_date) as last_date,
    count(*) as affected_rows
from affected
group by currency
