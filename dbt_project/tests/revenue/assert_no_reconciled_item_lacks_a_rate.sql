-- Items of subscriptions and invoices in a currency without a rate would be left out of leakage:
-- nothing is released until the rate has landed (finance.fx_rates, at most fx_max_age_days older).
select
    currency,
    min(month) as first_month,
    max(month) as last_month,
    count(*) as affected_rows
from {{ ref('int_reconciled_items_explained') }}
where rate is null
group by currency
