{{ config(materialized=read_in_place()) }}

-- Rows as they landed, typed: a view, for nearly all of them come once and need nothing more.
with source as (
    select *
    from {{ source('billing', 'invoice_line_items') }}
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
        source.id as invoice_line_item_id,
        source.invoice_id,
        source.subscription_id,
        source.subscription_item_id,
        source.price_id,
        -- strings
        source.type as line_type,
        source.description,
        upper(source.currency) as currency,
        -- numerics
        cast(source.amount * currencies.minor_unit as decimal(22, 4)) as amount,
        coalesce(
            cast(source.discount_amount * currencies.minor_unit as decimal(22, 4)), 0
        ) as discount_amount,
        coalesce(
            cast(source.tax_amount * currencies.minor_unit as decimal(22, 4)), 0
        ) as tax_amount,
        source.quantity,
        -- booleans
        coalesce(source.proration, false) as is_proration,
        -- dates
        {{ without_sentinel('source.period_start') }} as period_started_at,
        {{ without_sentinel('source.period_end') }} as period_ended_at,
        -- version
        coalesce(
            {{ without_sentinel('source.updated_at') }},
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
