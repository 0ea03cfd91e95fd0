{{ config(materialized=read_in_place()) }}

-- Rows as they landed, typed: a view, for nearly all of them come once and need nothing more.
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
)

-- What is dated after the as-of date is not known yet (metrics.md 1).
select * from dated
where version_date <= {{ as_of_date() }}
