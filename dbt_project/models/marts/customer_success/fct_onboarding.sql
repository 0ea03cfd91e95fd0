with accounts as (
    select * from {{ ref('int_accounts') }}
),

customers as (
    select * from {{ ref('int_customers_profiled') }}
),

steps as (
    select * from {{ ref('int_onboarding_steps') }}
),

milestones as (
    select * from {{ ref('onboarding_milestones') }}
),

starts as (
    select * from {{ ref('int_account_watch_starts') }}
),

-- Onboarding cannot be seen of accounts that were there before the company's first event of it
-- (docs/signal_rules.md).
company as (
    select min(reached_date) as tracked_from_date
    from steps
),

started as (
    select
        accounts.account_id,
        accounts.customer_id,
        accounts.account_name,
        accounts.segment,
        accounts.owner_id,
        accounts.status,
        customers.current_mrr,
        starts.watch_date as start_date
    from accounts
    inner join customers
        on accounts.customer_id = customers.customer_id
    inner join starts
        on accounts.account_id = starts.account_id
    cross join company
    where starts.watch_date >= company.tracked_from_date
),

-- The first milestone that is open is where an account stands.
placed as (
    select
        started.*,
        milestones.step_number,
        milestones.milestone,
        milestones.is_first_value,
        steps.reached_date,
        {{ add_days('started.start_date', 'milestones.within_days') }} as due_date,
        max(steps.reached_date) over (
            partition by started.account_id
            order by milestones.step_number
            rows between unbounded preceding and 1 preceding
        ) as last_step_date,
        min(case when steps.reached_date is null then milestones.step_number end) over (
            partition by started.account_id
        ) as open_step_number
    from started
    cross join milestones
    left join steps
        on started.account_id = steps.account_id
        and milestones.milestone = steps.milestone
    where started.start_date <= {{ as_of_date() }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        account_id,
        customer_id,
        account_name,
        segment,
        owner_id,
        current_mrr,
        start_date,
        cast(step_number as integer) as step_number,
        milestone,
        is_first_value,
        due_date,
        reached_date,
        cast({{ days_between('start_date', 'reached_date') }} as integer) as days_to_reach,
        case
            when reached_date is null and step_number = open_step_number
                then cast({{ days_between(
                    'coalesce(last_step_date, start_date)', as_of_date()
                ) }} as integer)
        end as days_waiting,
        case
            when reached_date <= due_date then 'reached'
            when reached_date > due_date then 'reached_late'
            when status = 'churned' then 'abandoned'
            when due_date < {{ as_of_date() }} then 'overdue'
            else 'open'
        end as state,
        coalesce(step_number = open_step_number, false) as is_current_step
    from placed
)

select * from final
