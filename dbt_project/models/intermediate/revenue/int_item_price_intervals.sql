-- What an item charges per billing period, from when to when, by each basis of MRR that an enabled
-- policy asks for. Prices are split at their own versions; metered and one-time prices are not
-- here, and what cannot be computed is in quality.rejected_rows.
with history as (
    select * from {{ ref('int_subscription_item_history') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
),

tiered_amounts as (
    select * from {{ ref('int_tiered_amounts') }}
),

invoiced as (
    select * from {{ ref('int_item_invoiced_intervals') }}
),

largest_amounts as (
    select * from {{ ref('int_largest_amounts') }}
),

priced as (
    select
        'subscription' as mrr_basis,
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
        cast(0 as decimal(28, 8)) as period_discount,
        cast(1 as bigint) as scale_numerator,
        cast(1 as bigint) as scale_denominator,
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

countable as (
    select priced.*
    from priced
    inner join largest_amounts
        on priced.currency = largest_amounts.currency
    where {{ at_most_a_month('priced.period_amount', 'priced.billing_interval') }}
        <= largest_amounts.largest_amount
),

final as (
    select * from countable
    union all
    select * from invoiced
)

select * from final
