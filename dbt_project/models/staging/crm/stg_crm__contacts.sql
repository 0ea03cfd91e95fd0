with source as (
    select *
    from {{ source('crm', 'contacts') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as contact_id,
        account_id,
        user_id,
        -- strings
        email,
        name as contact_name,
        title,
        role,
        -- dates
        {{ without_sentinel('left_company_at') }} as left_company_at,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
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
        {{ version_columns('contact_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('contact_id', [
        'account_id', 'user_id', 'email', 'contact_name', 'title', 'role',
        'left_company_at'
    ]) }}
),

final as (
    select
        contact_id,
        account_id,
        user_id,
        email,
        contact_name,
        title,
        role,
        left_company_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
