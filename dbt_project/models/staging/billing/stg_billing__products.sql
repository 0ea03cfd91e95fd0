with source as (
    select *
    from {{ source('billing', 'products') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as product_id,
        -- strings
        name as product_name,
        -- booleans
        coalesce(active, true) as is_active,
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
        {{ version_columns('product_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('product_id', [
        'product_name', 'is_active'
    ]) }}
),

final as (
    select
        product_id,
        product_name,
        is_active,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
