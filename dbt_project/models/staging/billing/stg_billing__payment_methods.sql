with source as (
    select *
    from {{ source('billing', 'payment_methods') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as payment_method_id,
        customer_id,
        -- strings
        type as method_type,
        card_brand,
        -- numerics
        card_exp_month,
        card_exp_year,
        -- booleans
        coalesce(is_default, false) as is_default,
        -- dates
        {{ without_sentinel('created') }} as created_at,
        {{ without_sentinel('detached_at') }} as detached_at,
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
        {{ version_columns('payment_method_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('payment_method_id', [
        'customer_id', 'method_type', 'card_brand', 'card_exp_month', 'card_exp_year',
        'is_default', 'created_at', 'detached_at'
    ]) }}
),

final as (
    select
        payment_method_id,
        customer_id,
        method_type,
        card_brand,
        card_exp_month,
        card_exp_year,
        is_default,
        created_at,
        detached_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
