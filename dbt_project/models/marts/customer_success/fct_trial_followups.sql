with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status not in ('paying', 'free')
        and first_paid_date is null
        and {{ may_be_on_list("'trial_followups'", 'customer', 'customer_id') }}
),

subscriptions as (
    select
        subscription_id,
        customer_id,
        {{ local_date('coalesce(trial_started_at, started_at)') }} as trial_start_date,
        least(
            {{ local_date('trial_ended_at') }},
            coalesce({{ local_date('ended_at') }}, {{ end_of_time() }})
        ) as trial_end_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and trial_ended_at is not null
),

rules as (
    {{ list_rules('trial_followups', ['days_back', 'days_ahead']) }}
),

-- Of several trials the latest.
trials as (
    select
        subscriptions.*,
        row_number() over (
            partition by customer_id order by trial_end_date desc, subscription_id
        ) as recency
    from subscriptions
    where trial_start_date <= {{ as_of_date() }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

account_days as (
    select * from {{ ref('int_account_days') }}
    where use_count > 0
),

steps as (
    select * from {{ ref('int_onboarding_steps') }}
),

use_in_trial as (
    select
        trials.customer_id,
        count(distinct account_days.activity_date) as active_days,
        max(account_days.activity_date) as last_event_date
    from trials
    inner join accounts
        on trials.customer_id = accounts.customer_id
    inner join account_days
        on accounts.account_id = account_days.account_id
        and account_days.activity_date >= trials.trial_start_date
    where trials.recency = 1
    group by trials.customer_id
),

steps_taken as (
    select
        accounts.customer_id,
        count(distinct steps.milestone) as milestones_reached,
        bool_or(steps.is_first_value) as has_first_value
    from steps
    inner join accounts
        on steps.account_id = accounts.account_id
    group by accounts.customer_id
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        trials.subscription_id,
        trial_values.trial_mrr,
        trials.trial_start_date,
        trials.trial_end_date,
        case when trials.trial_end_date > {{ as_of_date() }} then 'ending_soon' else 'ended' end
            as trial_state,
        cast({{ days_between('trials.trial_end_date', as_of_date()) }} as integer)
            as days_since_end,
        cast(coalesce(use_in_trial.active_days, 0) as bigint) as active_days,
        use_in_trial.last_event_date,
        cast(coalesce(steps_taken.milestones_reached, 0) as bigint) as milestones_reached,
        coalesce(steps_taken.has_first_value, false) as has_first_value,
        -- Who got something out of it needs another talk than who never began.
        case
            when coalesce(use_in_trial.active_days, 0) = 0 then 'Never used it: offer to set it up'
            when not coalesce(steps_taken.has_first_value, false)
                then 'Did not get to first value: offer help and a longer trial'
            else 'Saw what it does: ask what is missing to buy'
        end as suggested_approach,
        case when trials.trial_end_date > {{ as_of_date() }} then 'Trial ends on '
            else 'Trial ended without a purchase on ' end
        || cast(trials.trial_end_date as {{ dbt.type_string() }}) || '; active on '
        || cast(coalesce(use_in_trial.active_days, 0) as {{ dbt.type_string() }})
        || ' days' as why_listed
    from customers
    inner join trials
        on customers.customer_id = trials.customer_id
        and trials.recency = 1
    cross join rules
    left join {{ ref('int_trial_values') }} as trial_values
        on trials.subscription_id = trial_values.subscription_id
    left join use_in_trial
        on customers.customer_id = use_in_trial.customer_id
    left join steps_taken
        on customers.customer_id = steps_taken.customer_id
    where trials.trial_end_date > {{ add_days(as_of_date(), '-rules.days_back') }}
        and trials.trial_end_date <= {{ add_days(as_of_date(), 'rules.days_ahead') }}
)

select * from final
