-- Recovered, open and lost make up what failed: in invoices, amounts, customers and MRR.
select *
from {{ ref('fct_dunning_funnel_by_month') }}
where recovered_invoices + open_invoices + lost_invoices <> failed_invoices
    or recovered_amount + open_amount + lost_amount <> failed_amount
    or recovered_customers + open_customers + lost_customers <> failed_customers
    or recovered_mrr + open_mrr + lost_mrr <> mrr_at_risk
    or retried_invoices > failed_invoices
