{{ config(materialized=read_in_place()) }}

-- Rows as they landed, typed: a view, for nearly all of them come once and need nothing more.
with source as (
    select *
    from {{ source('billing', 'invoices') }}
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
        source.id as invoice_id,
        source.customer_id,
        source.subscription_id,
        -- strings
        source.status,
        upper(source.currency) as currency,
        -- numerics
        cast(source.subtotal * currencies.minor_unit as decimal(22, 4)) as subtotal,
        cast(source.discount_amount * currencies.minor_unit as decimal(22, 4)) as discount_amount,
        cast(source.tax * currencies.minor_unit as decimal(22, 4)) as tax,
        cast(source.total * currencies.minor_unit as decimal(22, 4)) as total,
        cast(source.amount_paid * currencies.minor_unit as decimal(22, 4)) as amount_paid,
        source.attempt_count,
        -- dates
        {{ without_sentinel('source.created') }} as created_at,
        {{ without_sentinel('source.due_at') }} as due_at,
        {{ without_sentinel('source.paid_at') }} as paid_at,
        {{ without_sentinel('source.period_start') }} as period_started_at,
        {{ without_sentinel('source.period_end') }} as period_ended_at,
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
