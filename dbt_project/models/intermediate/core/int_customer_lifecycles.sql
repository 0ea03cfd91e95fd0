-- First and last paid days and current MRR of every unit under its policy. One row per policy and
-- unit.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

changes as (
    select * from {{ ref('int_unit_mrr_changes') }}
),

ranked as (
    select
        *,
        row_number() over (partition by policy_id, unit_id order by change_date desc) as recency
    from changes
),

current_state as (
    select * from ranked
    where recency = 1
),

milestones as (
    select
        policy_id,
        unit_id,
        min(case when movement_type = 'new' then movement_date end) as first_paid_date,
        max(case when movement_type = 'churn' then movement_date end) as last_churn_date,
        -- What the unit was last worth while it paid.
        max_by(
            case when movement_type = 'churn' then mrr_before else mrr_after end, movement_date
        ) as last_mrr
    from movements
    group by
        policy_id,
        unit_id
),

final as (
    select
        milestones.policy_id,
        milestones.unit_id,
        milestones.first_paid_date,
        {{ first_of_month('milestones.first_paid_date') }} as cohort_month,
        case when not current_state.is_present_after then milestones.last_churn_date end
            as churned_date,
        current_state.mrr_after as current_mrr,
        current_state.is_present_after as is_present,
        case when current_state.mrr_after > 0 then current_state.mrr_after else milestones.last_mrr
        end as last_mrr
    from milestones
    inner join current_state
        on milestones.policy_id = current_state.policy_id
        and milestones.unit_id = current_state.unit_id
)

select * from final
