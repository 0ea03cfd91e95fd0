with source as (
    select *
    from {{ source('product', 'users') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as user_id,
        account_id,
        -- strings
        email,
        role,
        -- dates
        {{ without_sentinel('created') }} as created_at,
        {{ without_sentinel('deactivated_at') }} as deactivated_at,
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
        {{ version_columns('user_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('user_id', [
        'account_id', 'email', 'role', 'created_at', 'deactivated_at'
    ]) }}
),

final as (
    select
        user_id,
        account_id,
        email,
        role,
        created_at,
        deactivated_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
