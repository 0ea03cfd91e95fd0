-- What an item charges per billing period, from when to when, by its price: split where the item's
-- quantity or its price has another version. Metered and one-time prices are not here, nor those
-- that cannot be computed. What is not countable is more than anybody charges
-- (docs/mrr_rules.md 3).
with history as (
    select * from {{ ref('int_subscription_item_history') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
),

tiered_amounts as (
    select * from {{ ref('int_tiered_amounts') }}
),

largest_amounts as (
    select * from {{ ref('int_largest_amounts') }}
),

priced as (
    select
        history.subscription_id,
        history.subscription_item_id,
        history.price_id,
        prices.price_version,
        prices.currency,
        prices.billing_interval,
        prices.interval_count,
        history.quantity,
        case
            when prices.billing_scheme = 'tiered' then coalesce(tiered_amounts.period_amount, 0)
            else {{ period_amount('prices.unit_amount', 'history.quantity') }}
        end as period_amount,
        greatest(history.from_date, prices.from_date) as from_date,
        least(history.to_date, prices.to_date) as to_date
    from history
    inner join prices
        on history.price_id = prices.price_id
        and history.from_date < prices.to_date
        and history.to_date > prices.from_date
    left join tiered_amounts
        on prices.price_id = tiered_amounts.price_id
        and prices.price_version = tiered_amounts.price_version
        and history.quantity = tiered_amounts.quantity
    where prices.price_type = 'recurring'
        and prices.usage_type = 'licensed'
        and prices.is_computable
),

final as (
    select
        priced.*,
        {{ at_most_a_month('priced.period_amount', 'priced.billing_interval') }}
        <= largest_amounts.largest_amount as is_countable
    from priced
    inner join largest_amounts
        on priced.currency = largest_amounts.currency
)

select * from final
