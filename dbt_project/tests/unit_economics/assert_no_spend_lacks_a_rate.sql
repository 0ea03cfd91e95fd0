-- Spend in a currency without a rate would be left out of CAC: nothing is released until the
-- rate has landed (finance.fx_rates, at most fx_max_age_days older), or the currency is
-- corrected.
select
    currency,
    min(spend_date) as first_date,
    max(spend_date) as last_date,
    count(*) as affected_rows
from {{ ref('int_spend_converted') }}
where amount is null
group by currency
