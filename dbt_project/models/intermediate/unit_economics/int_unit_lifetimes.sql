-- How many months of service every unit has completed, and in which it was lost for the first time
-- (docs/unit_economics_rules.md 7). One row per policy and unit that was ever won.
with lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
    where first_paid_date is not null
),

churned as (
    select
        policy_id,
        unit_id,
        min(movement_date) as first_churn_date
    from {{ ref('int_mrr_movements_typed') }}
    where movement_type = 'churn'
    group by
        policy_id,
        unit_id
),

margins as (
    select
        policy_id,
        unit_id,
        sum(margin) as realised_margin,
        sum(case when month = {{ first_of_month(as_of_date()) }} then margin else 0 end)
            as current_margin
    from {{ ref('int_unit_margins') }}
    group by
        policy_id,
        unit_id
),

spans as (
    select
        lifecycles.policy_id,
        lifecycles.unit_id,
        lifecycles.cohort_month,
        lifecycles.first_paid_date,
        lifecycles.is_present,
        churned.first_churn_date,
        {{ months_between_firsts('lifecycles.first_paid_date', as_of_date()) }} as months_to_as_of,
        {{ months_between_firsts('lifecycles.first_paid_date', 'churned.first_churn_date') }}
            as months_to_churn,
        coalesce(margins.realised_margin, 0) as realised_margin,
        coalesce(margins.current_margin, 0) as current_margin
    from lifecycles
    left join churned
        on lifecycles.policy_id = churned.policy_id
        and lifecycles.unit_id = churned.unit_id
    left join margins
        on lifecycles.policy_id = margins.policy_id
        and lifecycles.unit_id = margins.unit_id
),

-- Whole months on the calendar, counted from the first paid day. A period is complete once the
-- day of its renewal is seen; the one in which a unit is lost is counted up.
periods as (
    select
        *,
        months_to_as_of
        - case when {{ add_months('first_paid_date', 'months_to_as_of') }} > {{ as_of_date() }}
            then 1 else 0 end as completed_periods,
        months_to_churn
        + case when {{ add_months('first_paid_date', 'months_to_churn') }} < first_churn_date
            then 1 else 0 end as churn_period
    from spans
),

final as (
    select
        policy_id,
        unit_id,
        cohort_month,
        realised_margin,
        case when is_present then current_margin else 0 end as current_margin,
        is_present,
        cast(completed_periods as integer) as completed_periods,
        coalesce(churn_period <= completed_periods, false) as is_lost,
        -- What is seen of a period that is not complete says nothing about the others in it.
        cast(
            case when churn_period <= completed_periods then churn_period else completed_periods end
            as integer
        ) as last_period
    from periods
)

select * from final
