-- Prices by the local dates on which each version was in force; the first one for all time before
-- too.
with versions as (
    select * from {{ ref('stg_billing__prices') }}
    where valid_from_date < valid_to_date
),

currencies as (
    select * from {{ ref('currencies') }}
),

numbered as (
    select
        *,
        row_number() over (partition by price_id order by valid_from_date) as price_version
    from versions
),

parsed as (
    {{ parsed_tiers('numbered') }}
),

lowest_tiers as (
    select
        price_id,
        price_version,
        min(
            least(
                coalesce(cast(nullif(unit_amount, 'null') as decimal(28, 4)), 0),
                coalesce(cast(nullif(flat_amount, 'null') as decimal(28, 4)), 0)
            )
        ) as lowest_amount
    from parsed
    group by
        price_id,
        price_version
),

described as (
    select
        numbered.price_id,
        numbered.price_version,
        case
            when numbered.price_version = 1 then {{ start_of_time() }}
            else valid_from_date
        end as from_date,
        valid_to_date as to_date,
        valid_to_date = {{ end_of_time() }} as is_current,
        product_id,
        numbered.currency,
        unit_amount,
        coalesce(billing_scheme, 'per_unit') as billing_scheme,
        tiers,
        coalesce(tiers_mode, 'graduated') as tiers_mode,
        coalesce(price_type, 'recurring') as price_type,
        billing_interval,
        interval_count,
        coalesce(usage_type, 'licensed') as usage_type,
        -- Why a recurring licensed price cannot be brought to a month; null where it can.
        case
            when currencies.currency is null then 'unknown_currency'
            when coalesce(price_type, 'recurring') <> 'recurring'
                or coalesce(usage_type, 'licensed') <> 'licensed' then null
            when billing_interval is null then 'no_interval'
            when coalesce(billing_scheme, 'per_unit') = 'tiered'
                and lowest_tiers.lowest_amount is null then 'no_tiers'
            when coalesce(billing_scheme, 'per_unit') <> 'tiered' and unit_amount is null
                then 'no_amount'
            -- A company owes its customers nothing a month; a credit is a discount.
            when coalesce(billing_scheme, 'per_unit') = 'tiered'
                and lowest_tiers.lowest_amount < 0 then 'negative_amount'
            when coalesce(billing_scheme, 'per_unit') <> 'tiered' and unit_amount < 0
                then 'negative_amount'
        end as rejection_reason
    from numbered
    left join currencies
        on numbered.currency = currencies.currency
    left join lowest_tiers
        on numbered.price_id = lowest_tiers.price_id
        and numbered.price_version = lowest_tiers.price_version
),

final as (
    select
        *,
        rejection_reason is null as is_computable
    from described
)

select * from final
