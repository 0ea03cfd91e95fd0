-- The onboarding steps that an account has taken, each on its first day (seed
-- onboarding_milestones). One row per account and milestone taken.
with event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

milestones as (
    select * from {{ ref('onboarding_milestones') }}
),

final as (
    select
        event_days.account_id,
        milestones.milestone,
        milestones.step_number,
        milestones.is_first_value,
        min(event_days.activity_date) as reached_date
    from event_days
    inner join milestones
        on event_days.event = milestones.event
    group by
        event_days.account_id,
        milestones.milestone,
        milestones.step_number,
        milestones.is_first_value
)

select * from final
