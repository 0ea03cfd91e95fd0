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

dated as (
    select
        *,
        {{ local_date('version_at') }} as version_date
    from typed
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
known as (
    select *
    from dated
    where version_date <= {{ as_of_date() }}
),

repeated as (
    select lead_id
    from known
    group by lead_id
    having count(*) > 1
),

-- Most come once. Of the others an exact duplicate of a row changes nothing.
several as (
    select known.*
    from known
    inner join repeated
        on known.lead_id = repeated.lead_id
    group by all
),

versioned as (
    select
        known.*,
        {{ only_version_columns() }}
    from known
    left join repeated
        on known.lead_id = repeated.lead_id
    where repeated.lead_id is null
    union all
    select
        *,
        {{ version_columns('lead_id') }}
    from several
    {{ version_window('lead_id', [
        'account_id', 'channel', 'campaign', 'motion', 'awareness_at',
        'consideration_at', 'trial_started_at', 'converted_at', 'lost_at', 'lost_reason'
    ]) }}
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
        lost_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
