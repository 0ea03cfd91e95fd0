with source as (
    select *
    from {{ source('billing', 'refunds') }}
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
        source.id as refund_id,
        source.payment_id,
        -- strings
        source.status,
        source.reason,
        upper(source.currency) as currency,
        -- numerics
        cast(source.amount * currencies.minor_unit as decimal(22, 4)) as amount,
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
        {{ version_columns('refund_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('refund_id', [
        'payment_id', 'amount', 'currency', 'status', 'reason', 'created_at'
    ]) }}
),

final as (
    select
        refund_id,
        payment_id,
        status,
        reason,
        currency,
        amount,
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
