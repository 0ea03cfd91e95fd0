-- The most that counts as a charge a month, by currency: 10^11 in its own money and, at its
-- highest landed rate, in the reporting one (docs/mrr_rules.md 3). More is a wrong number, and
-- exact sums of a few such would leave the decimals that there are. One row per currency.
with currencies as (
    select * from {{ ref('currencies') }}
),

rates as (
    select
        currency,
        max(rate) as highest_rate
    from {{ ref('stg_finance__fx_rates') }}
    where currency <> '{{ var("reporting_currency") }}'
    group by currency
),

final as (
    select
        currencies.currency,
        case
            when rates.highest_rate > 1
                then {{ exact_divide(
                    "cast('1000000000000000000000' as decimal(38, 0))",
                    'cast(rates.highest_rate * 10000000000 as decimal(38, 0))', 2
                ) }}
            else cast(100000000000 as decimal(38, 2))
        end as largest_amount
    from currencies
    left join rates
        on currencies.currency = rates.currency
)

select * from final
