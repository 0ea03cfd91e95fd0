with source as (
    select *
    from {{ source('billing', 'customers') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as customer_id,
        -- strings
        name,
        email,
        country,
        upper(currency) as currency,
        -- booleans
        coalesce(deleted, false) as is_deleted,
        -- dates
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
        {{ version_columns('customer_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('customer_id', [
        'name', 'email', 'country', 'currency', 'created_at', 'is_deleted'
    ]) }}
),

final as (
    select
        customer_id,
        name,
        email,
        country,
        currency,
        is_deleted,
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
