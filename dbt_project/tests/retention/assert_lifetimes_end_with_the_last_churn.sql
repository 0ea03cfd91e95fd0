-- The curves count everyone that ever paid once, and as ended everyone that does not pay any more.
with curves as (
    select
        policy_id,
        max(customers) as customers,
        sum(churned) as churned
    from {{ ref('fct_survival_by_segment') }}
    where segment_type = 'all'
    group by policy_id
),

months as (
    select
        policy_id,
        max_by(closing_customers, month) as customers
    from {{ ref('fct_mrr_by_month') }}
    where segment_type = 'all'
    group by policy_id
),

cohorts as (
    select
        policy_id,
        sum(customers_initial) as customers
    from {{ ref('fct_retention_by_cohort_month') }}
    where segment_type = 'all'
        and months_since = 0
    group by policy_id
)

select
    cohorts.policy_id,
    cohorts.customers,
    curves.customers as curve_customers,
    curves.churned
from cohorts
inner join months
    on cohorts.policy_id = months.policy_id
left join curves
    on cohorts.policy_id = curves.policy_id
where curves.customers is distinct from cohorts.customers
    or curves.churned is distinct from cohorts.customers - months.customers
