-- faults.md, invariant 8: GRR in [0, 1], NRR never below it, lost customers among those that
-- could be lost, lost MRR among what there was; every rate has a value exactly where its
-- denominator is above 0.
select periods.*
from {{ ref('fct_retention_by_period') }} as periods
inner join {{ ref('dim_metric_policies') }} as policies
    on periods.policy_id = policies.policy_id
where periods.gross_retained_mrr > periods.retention_base_mrr
    or periods.gross_retained_mrr > periods.retained_mrr
    or periods.net_revenue_retention < periods.gross_revenue_retention
    or periods.customers_lost_of_start > periods.customers_start
    or -periods.churn_mrr - periods.contraction_mrr > periods.mrr_start
    or (
        periods.customers_lost > periods.churn_base_customers
        and (policies.churn_rate_excludes_new or policies.churn_rate_base = 'start_plus_new')
    )
    or (periods.customer_retention_rate is null) <> (periods.customers_start = 0)
    or (periods.logo_churn_rate is null) <> (periods.churn_base_customers = 0)
    or (periods.gross_revenue_retention is null) <> (periods.retention_base_mrr = 0)
    or (periods.net_revenue_retention is null) <> (periods.retention_base_mrr = 0)
    or (periods.gross_mrr_churn_rate is null) <> (periods.mrr_start = 0)
    or (periods.net_mrr_churn_rate is null) <> (periods.mrr_start = 0)
    or periods.customer_retention_rate not between periods.customer_retention_rate_low
    and periods.customer_retention_rate_high
    or periods.logo_churn_rate not between periods.logo_churn_rate_low
    and periods.logo_churn_rate_high
    or periods.gross_revenue_retention not between periods.gross_revenue_retention_low
    and periods.gross_revenue_retention_high
    or periods.net_revenue_retention not between periods.net_revenue_retention_low
    and periods.net_revenue_retention_high
