with source as (
    select *
    from {{ source('finance', 'cost_of_revenue') }}
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
        -- strings
        upper(source.currency) as currency,
        -- numerics
        cast(source.amount * currencies.minor_unit as decimal(22, 4)) as amount,
        -- dates
        source.month,
        -- version
        coalesce(
            {{ without_sentinel('source.updated_at') }},
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
        {{ version_columns('month') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('month', [
        'amount', 'currency'
    ]) }}
),

final as (
    select
        month,
        currency,
        amount,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
