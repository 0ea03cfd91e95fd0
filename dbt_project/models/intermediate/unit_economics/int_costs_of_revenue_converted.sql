-- Cost of revenue in the reporting currency, by the rate of the month's last day. One row per
-- landed month; `amount` is null where the rate is missing.
with costs as (
    select
        *,
        {{ first_of_month('month') }} as cost_month
    from {{ ref('stg_finance__cost_of_revenue') }}
    where is_current
        and {{ first_of_month('month') }} <= {{ as_of_date() }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

final as (
    select
        costs.month as landed_month,
        costs.cost_month as month,
        costs.currency,
        {{ month_end_seen('costs.cost_month') }} as valuation_date,
        costs.amount as amount_native,
        {{ to_cents(
            "costs.amount * case when costs.currency = '" ~ var('reporting_currency')
            ~ "' then cast(1 as decimal(16, 10)) else cast(rates.rate as decimal(16, 10)) end"
        ) }} as amount
    from costs
    left join rates
        on costs.currency = rates.currency
        and {{ month_end_seen('costs.cost_month') }} = rates.valuation_date
)

select * from final
