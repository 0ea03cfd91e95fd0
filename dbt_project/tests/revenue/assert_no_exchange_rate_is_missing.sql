-- MRR in a currency without a rate would count as 0: nothing is released until the rate has landed.
-- Land finance.fx_rates for these currencies and dates (at most fx_max_age_days older).
select
    currency,
    min(valuation_date) as first_date,
    max(valuation_date) as last_date,
    count(*) as affected_rows
from {{ ref('int_unit_mrr_valued') }}
where rate is null
group by currency
