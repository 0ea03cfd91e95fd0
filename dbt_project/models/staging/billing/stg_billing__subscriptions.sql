with source as (
    select *
    from {{ source('billing', 'subscriptions') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as subscription_id,
        customer_id,
        -- strings
        status,
        cancellation_reason,
        cancellation_feedback,
        cancellation_comment,
        -- booleans
        coalesce(cancel_at_period_end, false) as is_cancel_at_period_end,
        -- dates
        {{ without_sentinel('start_date') }} as started_at,
        {{ without_sentinel('trial_start') }} as trial_started_at,
        {{ without_sentinel('trial_end') }} as trial_ended_at,
        {{ without_sentinel('current_period_start') }} as current_period_started_at,
        {{ without_sentinel('current_period_end') }} as current_period_ended_at,
        {{ without_sentinel('cancel_at') }} as cancel_at,
        {{ without_sentinel('canceled_at') }} as canceled_at,
        {{ without_sentinel('ended_at') }} as ended_at,
        {{ without_sentinel('collection_paused_at') }} as collection_paused_at,
        {{ without_sentinel('collection_resumes_at') }} as collection_resumes_at,
        {{ without_sentinel('created') }} as created_at,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            {{ without_sentinel('created') }},
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at
    from source
    group by all
),

dated as (
    select
        *,
        {{ local_date('version_at') }} as version_date
    from typed
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
versioned as (
    select
        *,
        {{ version_columns('subscription_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('subscription_id', [
        'customer_id', 'status', 'started_at', 'trial_started_at', 'trial_ended_at',
        'current_period_started_at', 'current_period_ended_at',
        'is_cancel_at_period_end', 'cancel_at', 'canceled_at', 'ended_at',
        'cancellation_reason', 'cancellation_feedback', 'cancellation_comment',
        'collection_paused_at', 'collection_resumes_at', 'created_at'
    ]) }}
),

final as (
    select
        subscription_id,
        customer_id,
        status,
        cancellation_reason,
        cancellation_feedback,
        cancellation_comment,
        is_cancel_at_period_end,
        started_at,
        trial_started_at,
        trial_ended_at,
        current_period_started_at,
        current_period_ended_at,
        cancel_at,
        canceled_at,
        ended_at,
        collection_paused_at,
        collection_resumes_at,
        created_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
