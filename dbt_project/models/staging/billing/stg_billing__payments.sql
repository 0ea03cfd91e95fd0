with source as (
    select *
    from {{ source('billing', 'payments') }}
    where {{ was_known() }}
),

currencies as (
    select
        currency,
        {{ minor_unit('minor_unit_exponent') }} as minor_unit
    from {{ ref('currencies') }}
),

typed as (
    select
        -- ids
        source.id as payment_id,
        source.invoice_id,
        source.customer_id,
        source.payment_method_id,
        -- strings
        source.status,
        source.failure_code,
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
),

dated as (
    select
        *,
        {{ local_date('version_at') }} as version_date
    from typed
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
known as (
    select *
    from dated
    where version_date <= {{ as_of_date() }}
),

repeated as (
    select payment_id
    from known
    group by payment_id
    having count(*) > 1
),

-- Most come once. Of the others an exact duplicate of a row changes nothing.
several as (
    select known.*
    from known
    inner join repeated
        on known.payment_id = repeated.payment_id
    group by all
),

versioned as (
    select
        known.*,
        {{ only_version_columns() }}
    from known
    left join repeated
        on known.payment_id = repeated.payment_id
    where repeated.payment_id is null
    union all
    select
        *,
        {{ version_columns('payment_id') }}
    from several
    {{ version_window('payment_id', [
        'invoice_id', 'customer_id', 'payment_method_id', 'amount', 'currency',
        'status', 'failure_code', 'created_at'
    ]) }}
),

final as (
    select
        payment_id,
        invoice_id,
        customer_id,
        payment_method_id,
        status,
        failure_code,
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
