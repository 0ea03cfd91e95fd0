-- Invoices, lines and payments in a currency without a rate would be left out of receivables and
-- revenue: nothing is released until the rate has landed (finance.fx_rates, at most fx_max_age_days
-- older), or the currency is corrected.
select
    currency,
    min(entry_date) as first_date,
    max(entry_date) as last_date,
    count(*) as affected_rows
from {{ ref('int_receivables_valued') }}
where amount is null
group by currency
union all
select
    currency,
    min(invoice_date),
    max(invoice_date),
    count(*)
from {{ ref('int_revenue_lines') }}
where amount is null
group by currency
