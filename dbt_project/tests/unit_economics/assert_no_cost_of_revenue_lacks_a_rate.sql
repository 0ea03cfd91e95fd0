-- A cost without a rate would make the margin too good: nothing is released until it has landed.
select
    currency,
    min(valuation_date) as first_date,
    max(valuation_date) as last_date,
    count(*) as affected_rows
from {{ ref('int_costs_of_revenue_converted') }}
where amount is null
group by currency
