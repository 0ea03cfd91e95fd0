-- One row per tier of a tiered price's version: the units above `units_from`, up to `units_to`.
with prices as (
    select * from {{ ref('int_price_versions') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

parsed as (
    {{ parsed_tiers('prices') }}
),

typed as (
    select
        price_id,
        price_version,
        currency,
        -- "inf" or nothing: no upper bound.
        case when lower(up_to) not in ('inf', 'null') then cast(up_to as bigint) end as up_to,
        coalesce(cast(nullif(unit_amount, 'null') as decimal(28, 4)), 0) as unit_amount_minor,
        coalesce(cast(nullif(flat_amount, 'null') as decimal(28, 4)), 0) as flat_amount_minor
    from parsed
),

ordered as (
    select
        *,
        coalesce(lag(up_to) over price_tiers, 0) as units_from,
        lead(price_id) over price_tiers is null as is_last
    from typed
    window price_tiers as (
        partition by price_id, price_version order by up_to nulls last, unit_amount_minor
    )
),

final as (
    select
        ordered.price_id,
        ordered.price_version,
        ordered.units_from,
        -- Beyond the last tier its rates hold.
        case when not ordered.is_last then ordered.up_to end as units_to,
        cast(
            ordered.unit_amount_minor * {{ minor_unit('currencies.minor_unit_exponent') }}
            as decimal(28, 8)
        ) as unit_amount,
        cast(
            ordered.flat_amount_minor * {{ minor_unit('currencies.minor_unit_exponent') }}
            as decimal(28, 8)
        ) as flat_amount
    from ordered
    left join currencies
        on ordered.currency = currencies.currency
)

select * from final
