-- Every subscription cut where its state or its service changes, for all policies at once
-- (docs/mrr_rules.md 2). One row per subscription and stretch [from_date, to_date).
with history as (
    select
        subscription_id,
        status,
        valid_from_date,
        collection_paused_at,
        collection_resumes_at,
        lag(status) over subscription_history as previous_status,
        lag(valid_from_date) over subscription_history is null
        or status is distinct from lag(status) over subscription_history
        or collection_paused_at is distinct from lag(collection_paused_at)
            over subscription_history
        or collection_resumes_at is distinct from lag(collection_resumes_at)
            over subscription_history as is_change
    from {{ ref('stg_billing__subscriptions') }}
    where valid_from_date < valid_to_date
    window subscription_history as (partition by subscription_id order by valid_from_date)
),

-- Most versions change nothing here (a renewal, a new period).
versions as (
    select
        subscription_id,
        status,
        valid_from_date,
        row_number() over subscription_history as version_number,
        {{ local_date('collection_paused_at') }} as pause_from_date,
        {{ local_date('collection_resumes_at') }} as pause_to_date,
        collection_paused_at,
        lead(collection_paused_at) over subscription_history as next_collection_paused_at,
        previous_status
    from history
    where is_change
    window subscription_history as (partition by subscription_id order by valid_from_date)
),

out_windows as (
    select * from {{ ref('int_subscription_out_windows') }}
),

dated_versions as (
    select
        *,
        -- The day on which the run of past_due versions began that this one belongs to.
        max(
            case
                when status = 'past_due' and coalesce(previous_status, '') <> 'past_due'
                    then valid_from_date
            end
        ) over (
            partition by subscription_id
            order by version_number
            rows between unbounded preceding and current row
        ) as past_due_since_date,
        min(case when collection_paused_at is null then valid_from_date end) over (
            partition by subscription_id
            order by version_number
            rows between 1 following and unbounded following
        ) as next_unpaused_date
    from versions
),

subscriptions as (
    select
        subscription_id,
        customer_id,
        {{ local_date('started_at') }} as start_date,
        {{ local_date('coalesce(trial_started_at, started_at)') }} as trial_from_date,
        {{ local_date('trial_ended_at') }} as trial_to_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and started_at is not null
),

-- In a run of versions with one collection pause the last one says when it ends.
pauses as (
    select
        subscription_id,
        pause_from_date,
        least(
            coalesce(pause_to_date, {{ end_of_time() }}),
            coalesce(next_unpaused_date, {{ end_of_time() }})
        ) as pause_to_date
    from dated_versions
    where collection_paused_at is not null
        and (
            next_collection_paused_at is null
            or next_collection_paused_at <> collection_paused_at
        )
),

boundaries as (
    select
        subscription_id,
        start_date as boundary_date,
        cast(null as bigint) as version_number,
        0 as trial_change,
        0 as pause_change,
        0 as out_service_end_change,
        0 as out_requested_change,
        0 as out_paid_change
    from subscriptions
    union all
    -- The first version also speaks for the time before it.
    select
        subscription_id,
        case when version_number = 1 then {{ start_of_time() }} else valid_from_date end,
        version_number,
        0,
        0,
        0,
        0,
        0
    from versions
    union all
    select subscription_id, valid_from_date, null, 0, 0, 0, 0, 0
    from versions
    where version_number = 1
    union all
    select subscription_id, trial_from_date, null, 1, 0, 0, 0, 0
    from subscriptions
    where trial_from_date < trial_to_date
    union all
    select subscription_id, trial_to_date, null, -1, 0, 0, 0, 0
    from subscriptions
    where trial_from_date < trial_to_date
    union all
    select subscription_id, pause_from_date, null, 0, 1, 0, 0, 0
    from pauses
    where pause_from_date < pause_to_date
    union all
    select subscription_id, pause_to_date, null, 0, -1, 0, 0, 0
    from pauses
    where pause_from_date < pause_to_date
    {%- for column, sign in [('out_from_date', ''), ('out_to_date', '-')] %}
    union all
    select
        subscription_id,
        {{ column }},
        null,
        0,
        0,
        {{ sign }}case when churn_at in ('service_end', 'any') then 1 else 0 end,
        {{ sign }}case when churn_at in ('requested', 'any') then 1 else 0 end,
        {{ sign }}case when churn_at in ('paid_period_end', 'any') then 1 else 0 end
    from out_windows
    {%- endfor %}
),

days as (
    select
        subscription_id,
        boundary_date,
        max(version_number) as version_number,
        sum(trial_change) as trial_change,
        sum(pause_change) as pause_change,
        sum(out_service_end_change) as out_service_end_change,
        sum(out_requested_change) as out_requested_change,
        sum(out_paid_change) as out_paid_change
    from boundaries
    group by
        subscription_id,
        boundary_date
),

swept as (
    select
        subscription_id,
        boundary_date as from_date,
        coalesce(
            lead(boundary_date) over subscription_days, {{ end_of_time() }}
        ) as to_date,
        max(version_number) over subscription_days as version_number,
        sum(trial_change) over subscription_days > 0 as is_in_trial,
        sum(pause_change) over subscription_days > 0 as is_collection_paused,
        sum(out_service_end_change) over subscription_days > 0 as is_out_service_end,
        sum(out_requested_change) over subscription_days > 0 as is_out_requested,
        sum(out_paid_change) over subscription_days > 0 as is_out_paid_period_end
    from days
    window subscription_days as (partition by subscription_id order by boundary_date)
),

final as (
    select
        subscriptions.subscription_id,
        subscriptions.customer_id,
        swept.from_date,
        swept.to_date,
        case
            when dated_versions.status in ('incomplete', 'incomplete_expired') then 'incomplete'
            when swept.is_collection_paused then 'paused'
            when dated_versions.status in ('past_due', 'unpaid', 'paused')
                and swept.from_date >= dated_versions.valid_from_date
                then dated_versions.status
            when swept.is_in_trial then 'trialing'
            when dated_versions.status = 'trialing' and subscriptions.trial_to_date is null
                then 'trialing'
            else 'active'
        end as state,
        dated_versions.past_due_since_date,
        swept.is_out_service_end,
        swept.is_out_requested,
        swept.is_out_paid_period_end
    from swept
    inner join subscriptions
        on swept.subscription_id = subscriptions.subscription_id
    inner join dated_versions
        on swept.subscription_id = dated_versions.subscription_id
        and swept.version_number = dated_versions.version_number
    where swept.from_date >= subscriptions.start_date
        and swept.from_date < swept.to_date
        and swept.from_date <= {{ as_of_date() }}
)

select * from final
