-- How a failed invoice ended under a policy: recovered, lost (written off, or its customer is
-- gone), or open, and the MRR that was at stake. One row per policy and case
-- (docs/retention_rules.md 9).
with cases as (
    select * from {{ ref('int_dunning_cases') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

unit_customers as (
    select * from {{ ref('int_unit_customers') }}
),

stretches as (
    select * from {{ ref('int_unit_stretches') }}
),

lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
),

-- The units whose money it is: where subscriptions count, the invoice's.
case_units as (
    select
        unit_customers.policy_id,
        cases.case_id,
        cases.failed_date,
        unit_customers.unit_id,
        not lifecycles.is_present and lifecycles.churned_date >= cases.failed_date as is_gone
    from cases
    inner join unit_customers
        on cases.customer_id = unit_customers.customer_id
        and (
            cases.subscription_id is null
            or unit_customers.subscription_id is null
            or unit_customers.subscription_id = cases.subscription_id
        )
    inner join lifecycles
        on unit_customers.policy_id = lifecycles.policy_id
        and unit_customers.unit_id = lifecycles.unit_id
),

-- The greater of the MRR before the day and at its end: a grace of 0 days takes it away at once.
unit_mrr as (
    select
        case_units.policy_id,
        case_units.case_id,
        case_units.unit_id,
        case_units.is_gone,
        coalesce(max(stretches.mrr), 0) as mrr
    from case_units
    left join stretches
        on case_units.policy_id = stretches.policy_id
        and case_units.unit_id = stretches.unit_id
        and case_units.failed_date >= stretches.from_date
        and case_units.failed_date <= stretches.to_date
    group by
        case_units.policy_id,
        case_units.case_id,
        case_units.unit_id,
        case_units.is_gone
),

stakes as (
    select
        policy_id,
        case_id,
        bool_and(is_gone) as is_gone,
        sum(mrr) as mrr_at_risk
    from unit_mrr
    group by
        policy_id,
        case_id
),

final as (
    select
        policies.policy_id,
        cases.*,
        coalesce(stakes.mrr_at_risk, 0) as mrr_at_risk,
        case
            when cases.recovered_date is not null then 'recovered'
            when cases.is_written_off or coalesce(stakes.is_gone, false) then 'lost'
            else 'open'
        end as outcome
    from cases
    cross join policies
    left join stakes
        on policies.policy_id = stakes.policy_id
        and cases.case_id = stakes.case_id
)

select * from final
