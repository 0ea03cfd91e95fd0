-- One row per lead, as it was last known: its stages are dates in it, so nobody asks for earlier
-- versions, and putting them all in order is what a company with many leads would pay for.
with source as (
    select *
    from {{ source('crm', 'leads') }}
    where {{ was_known() }}
),

typed as (
    select
        -- ids
        id as lead_id,
        account_id,
        -- strings
        channel,
        campaign,
        motion,
        lost_reason,
        -- dates
        {{ without_sentinel('awareness_at') }} as awareness_at,
        {{ without_sentinel('consideration_at') }} as consideration_at,
        {{ without_sentinel('trial_started_at') }} as trial_started_at,
        {{ without_sentinel('converted_at') }} as converted_at,
        {{ without_sentinel('lost_at') }} as lost_at,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            {{ without_sentinel('awareness_at') }},
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at
    from source
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
known as (
    select *
    from typed
    where {{ local_date('version_at') }} <= {{ as_of_date() }}
),

latest as (
    select
        lead_id,
        max(version_at) as version_at
    from known
    group by lead_id
),

-- Versions of one time: the greatest content is the last, never the last to arrive.
ranked as (
    select
        known.*,
        row_number() over (
            partition by known.lead_id
            order by
                {%- for column in [
                    'account_id', 'channel', 'campaign', 'motion', 'awareness_at',
                    'consideration_at', 'trial_started_at', 'converted_at', 'lost_at', 'lost_reason'
                ] %}
                known.{{ column }} desc nulls last{{ ',' if not loop.last }}
                {%- endfor %}
        ) as preference
    from known
    inner join latest
        on known.lead_id = latest.lead_id
        and known.version_at = latest.version_at
),

final as (
    select
        lead_id,
        account_id,
        channel,
        campaign,
        motion,
        lost_reason,
        awareness_at,
        consideration_at,
        trial_started_at,
        converted_at,
        lost_at
    from ranked
    where preference = 1
)

select * from final
