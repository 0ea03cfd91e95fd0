-- Newly arrived exchange rates that bear on a closed month, by the units that they value. One row
-- per close, policy and customer.
with closes as (
    select
        close_id,
        last_day(month) as month_end_date
    from {{ ref('stg_control__closes') }}
    where is_in_force
        and not is_requested
),

rates as (
    select * from {{ ref('stg_control__arrived_rates') }}
    where currency <> '{{ var("reporting_currency") }}'
),

units as (
    select * from {{ ref('int_units') }}
),

final as (
    select
        closes.close_id,
        units.policy_id,
        units.customer_id,
        {{ sorted_list(
            "'finance.fx_rates/' || rates.currency || '/' || cast(rates.rate_date as "
            ~ dbt.type_string() ~ ")"
        ) }} as source_ids
    from closes
    inner join rates
        on closes.month_end_date >= rates.rate_date
    inner join units
        on rates.currency = coalesce(units.currency, rates.currency)
    group by
        closes.close_id,
        units.policy_id,
        units.customer_id
)

select * from final
