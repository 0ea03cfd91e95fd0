-- What is already known of the time after the as-of date (docs/books_rules.md 4). One row per
-- subscription: its state now, when it is to end, and when it is to begin to count.
with subscriptions as (
    select
        *,
        {{ local_date('started_at') }} as start_date,
        {{ local_date('trial_ended_at') }} as trial_to_date,
        {{ local_date('collection_resumes_at') }} as resume_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and started_at is not null
),

states as (
    select
        subscription_id,
        state,
        is_out_service_end
    from {{ ref('int_subscription_timeline') }}
    where from_date <= {{ as_of_date() }}
        and to_date > {{ as_of_date() }}
),

ends as (
    select
        subscription_id,
        least(
            coalesce({{ local_date('cancel_at') }}, {{ end_of_time() }}),
            coalesce({{ local_date('ended_at') }}, {{ end_of_time() }}),
            coalesce(
                case
                    when is_cancel_at_period_end then {{ local_date('current_period_ended_at') }}
                end,
                {{ end_of_time() }}
            )
        ) as end_date
    from subscriptions
),

final as (
    select
        subscriptions.subscription_id,
        subscriptions.customer_id,
        -- An end that has passed and was not carried out ends nothing.
        case
            when ends.end_date > {{ as_of_date() }} then ends.end_date
            else {{ end_of_time() }}
        end as end_date,
        case
            when subscriptions.start_date > {{ as_of_date() }} then 'starting'
            when states.state = 'trialing' then 'trial'
            when states.state = 'paused' and subscriptions.resume_date is not null then 'resuming'
        end as begins_as,
        case
            when subscriptions.start_date > {{ as_of_date() }}
                then greatest(
                    subscriptions.start_date,
                    coalesce(subscriptions.trial_to_date, subscriptions.start_date)
                )
            when states.state = 'trialing' then subscriptions.trial_to_date
            when states.state = 'paused' then subscriptions.resume_date
        end as begin_date
    from subscriptions
    inner join ends
        on subscriptions.subscription_id = ends.subscription_id
    left join states
        on subscriptions.subscription_id = states.subscription_id
    where coalesce(subscriptions.status, 'active') not in (
        'canceled', 'incomplete', 'incomplete_expired'
    )
        and not coalesce(states.is_out_service_end, false)
)

select * from final
