with source as (
    select *
    from {{ source('crm', 'action_outcomes') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        action_id,
        -- strings
        resolution_reason,
        resolved_by,
        note,
        -- dates
        {{ without_sentinel('resolved_at') }} as resolved_at,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            {{ without_sentinel('resolved_at') }},
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
        {{ version_columns('action_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('action_id', [
        'resolved_at', 'resolution_reason', 'resolved_by', 'note'
    ]) }}
),

final as (
    select
        action_id,
        resolution_reason,
        resolved_by,
        note,
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
