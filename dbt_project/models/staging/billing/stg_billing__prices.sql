with source as (
    select *
    from {{ source('billing', 'prices') }}
    where {{ was_known() }}
),

currencies as (
    select
        currency,
        {{ minor_unit('minor_unit_exponent') }} as minor_unit
    from {{ ref('currencies') }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        source.id as price_id,
        source.product_id,
        -- strings
        source.nickname,
        upper(source.currency) as currency,
        source.billing_scheme,
        source.tiers,
        source.tiers_mode,
        source.type as price_type,
        source.interval as billing_interval,
        source.usage_type,
        -- numerics
        cast(source.unit_amount * currencies.minor_unit as decimal(22, 4)) as unit_amount,
        greatest(coalesce(source.interval_count, 1), 1) as interval_count,
        -- dates
        {{ without_sentinel('source.created') }} as created_at,
        -- version
        coalesce(
            {{ without_sentinel('source.updated_at') }},
            {{ without_sentinel('source.created') }},
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at
    from source
    left join currencies
        on upper(source.currency) = currencies.currency
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
        {{ version_columns('price_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('price_id', [
        'product_id', 'nickname', 'currency', 'unit_amount', 'billing_scheme', 'tiers',
        'tiers_mode', 'price_type', 'billing_interval', 'interval_count', 'usage_type',
        'created_at'
    ]) }}
),

final as (
    select
        price_id,
        product_id,
        nickname,
        currency,
        billing_scheme,
        tiers,
        tiers_mode,
        price_type,
        billing_interval,
        usage_type,
        unit_amount,
        interval_count,
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
