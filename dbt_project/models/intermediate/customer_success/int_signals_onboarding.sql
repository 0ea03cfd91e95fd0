-- Signals of how an account gets started (seed onboarding_milestones). One row per account, signal
-- and interval. Open steps are watched for the first `onboarding_watch_days` days.
with starts as (
    select
        account_id,
        watch_date,
        {{ add_days('watch_date', var('onboarding_watch_days')) }} as watched_to_date
    from {{ ref('int_account_watch_starts') }}
),

steps as (
    select * from {{ ref('int_onboarding_steps') }}
),

milestones as (
    select count(*) as milestone_count
    from {{ ref('onboarding_milestones') }}
),

-- Onboarding cannot be seen in a company that sends none of its events, nor of accounts that were
-- there before the first of them.
company as (
    select min(reached_date) as tracked_from_date
    from steps
),

watched as (
    select starts.*
    from starts
    cross join company
    where starts.watch_date >= company.tracked_from_date
),

progress as (
    select
        watched.account_id,
        count(steps.milestone) as steps_taken,
        max(steps.reached_date) as last_step_date,
        min(case when steps.is_first_value then steps.reached_date end) as first_value_date
    from watched
    left join steps
        on watched.account_id = steps.account_id
    group by watched.account_id
),

open_stretches as (
    select
        watched.account_id,
        watched.watch_date as from_date,
        least(
            watched.watched_to_date,
            case
                when progress.steps_taken >= milestones.milestone_count
                    then progress.last_step_date
                else {{ end_of_time() }}
            end
        ) as to_date
    from watched
    inner join progress
        on watched.account_id = progress.account_id
    cross join milestones
),

step_days as (
    select account_id, from_date as step_date
    from open_stretches
    union
    select
        open_stretches.account_id,
        steps.reached_date
    from steps
    inner join open_stretches
        on steps.account_id = open_stretches.account_id
        and steps.reached_date >= open_stretches.from_date
        and steps.reached_date < open_stretches.to_date
),

stuck as (
    select
        step_days.account_id,
        step_days.step_date as from_date,
        coalesce(
            lead(step_days.step_date) over (
                partition by step_days.account_id order by step_days.step_date
            ),
            open_stretches.to_date
        ) as to_date
    from step_days
    inner join open_stretches
        on step_days.account_id = open_stretches.account_id
),

first_values as (
    select
        watched.account_id,
        progress.first_value_date as from_date,
        {{ end_of_time() }} as to_date,
        {{ days_between('watched.watch_date', 'progress.first_value_date') }} as days_to_value
    from watched
    inner join progress
        on watched.account_id = progress.account_id
    where progress.first_value_date is not null
),

final as (
    select account_id, {{ signal_columns('onboarding_days_open', 0, slope=1) }}
    from open_stretches
    where from_date < to_date
    union all
    select account_id, {{ signal_columns('onboarding_step_stuck', 0, slope=1) }}
    from stuck
    where from_date < to_date
    union all
    select account_id, {{ signal_columns('days_to_first_value', 'days_to_value') }}
    from first_values
)

select * from final
