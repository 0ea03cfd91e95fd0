-- Cohorts together are everyone that ever had MRR, once (faults.md, invariant 10).
with cohorts as (
    select
        policy_id,
        sum(customers_initial) as customers
    from {{ ref('fct_retention_by_cohort_month') }}
    where segment_type = 'all'
        and months_since = 0
    group by policy_id
),

won as (
    select
        policy_id,
        count(distinct coalesce(subscription_id, customer_id)) as customers
    from {{ ref('fct_mrr_movements') }}
    where movement_type = 'new'
    group by policy_id
)

select
    won.policy_id,
    won.customers,
    cohorts.customers as cohort_customers
from won
full outer join cohorts
    on won.policy_id = cohorts.policy_id
where won.customers is distinct from cohorts.customers
