with source as (
    select *
    from {{ source('billing', 'discounts') }}
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
        source.id as discount_id,
        source.customer_id,
        source.subscription_id,
        -- strings
        upper(source.currency) as currency,
        source.duration,
        -- numerics
        case
            when source.percent_off is not null
                then cast(least(greatest(source.percent_off, 0), 100) as decimal(9, 6))
        end as percent_off,
        case
            when source.amount_off is not null then greatest(source.amount_off, 0)
        end as amount_off_minor,
        source.duration_in_months,
        -- dates
        {{ without_sentinel('source.start_at') }} as start_at,
        {{ without_sentinel('source.end_at') }} as end_at,
        -- version
        coalesce(
            {{ without_sentinel('source.updated_at') }},
            {{ without_sentinel('source.start_at') }},
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
        {{ version_columns('discount_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('discount_id', [
        'customer_id', 'subscription_id', 'percent_off', 'amount_off_minor', 'currency',
        'duration', 'duration_in_months', 'start_at', 'end_at'
    ]) }}
),

final as (
    select
        discount_id,
        customer_id,
        subscription_id,
        currency,
        duration,
        percent_off,
        amount_off_minor,
        duration_in_months,
        start_at,
        end_at,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
