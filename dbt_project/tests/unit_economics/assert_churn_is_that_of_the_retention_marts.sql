-- LTV divides by the churn that the retention marts publish, for every policy, month and segment.
with ltv as (
    select * from {{ ref('fct_ltv_by_segment') }}
    where method = 'simple'
),

retention as (
    select * from {{ ref('fct_retention_by_period') }}
    where period_type = 'month'
)

select
    ltv.policy_id,
    ltv.month,
    ltv.segment_type,
    ltv.segment_value,
    ltv.customers_lost,
    retention.customers_lost as published_lost,
    ltv.customers_at_risk,
    retention.churn_base_customers as published_base
from ltv
left join retention
    on ltv.policy_id = retention.policy_id
    and ltv.month = retention.period_start
    and ltv.segment_type = retention.segment_type
    and ltv.segment_value = retention.segment_value
where ltv.customers_lost is distinct from retention.customers_lost
    or ltv.customers_at_risk is distinct from retention.churn_base_customers
    or ltv.customers is distinct from retention.customers_end
