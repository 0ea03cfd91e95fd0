-- Every booking of spend in the reporting currency, by its day's rate, rounded once
-- (docs/unit_economics_rules.md 2). One row per booking; `amount` is null where the rate is
-- missing.
with spend as (
    select * from {{ ref('stg_marketing__spend') }}
    where is_current
        and spend_date <= {{ as_of_date() }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

final as (
    select
        spend.spend_id,
        coalesce(spend.channel, 'unknown') as channel,
        spend.campaign,
        spend.category,
        spend.currency,
        spend.spend_date,
        {{ first_of_month('spend.spend_date') }} as spend_month,
        spend.amount as amount_native,
        case
            when spend.currency = '{{ var("reporting_currency") }}'
                then cast(1 as decimal(18, 10))
            else rates.rate
        end as rate,
        {{ to_cents(
            "spend.amount * case when spend.currency = '" ~ var('reporting_currency')
            ~ "' then cast(1 as decimal(16, 10)) else cast(rates.rate as decimal(16, 10)) end"
        ) }} as amount
    from spend
    left join rates
        on spend.currency = rates.currency
        and spend.spend_date = rates.valuation_date
)

select * from final
