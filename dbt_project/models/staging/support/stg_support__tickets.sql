with source as (
    select *
    from {{ source('support', 'tickets') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as ticket_id,
        account_id,
        -- strings
        priority,
        -- numerics
        case when csat between 1 and 5 then cast(csat as integer) end as csat,
        -- dates
        {{ without_sentinel('opened_at') }} as opened_at,
        {{ without_sentinel('resolved_at') }} as resolved_at,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            {{ without_sentinel('opened_at') }},
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
        {{ version_columns('ticket_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('ticket_id', [
        'account_id', 'priority', 'csat', 'opened_at', 'resolved_at'
    ]) }}
),

final as (
    select
        ticket_id,
        account_id,
        priority,
        csat,
        opened_at,
        resolved_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
