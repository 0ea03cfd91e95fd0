-- What a tiered price charges for a quantity (docs/mrr_rules.md 3): for every quantity that an item
-- with that price ever had, so that a change can also be told at the old price (section 8).
with history as (
    select * from {{ ref('int_subscription_item_history') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where billing_scheme = 'tiered'
),

tiers as (
    select * from {{ ref('int_price_tiers') }}
),

item_prices as (
    select
        history.subscription_item_id,
        history.price_id
    from history
    inner join prices
        on history.price_id = prices.price_id
    group by
        history.subscription_item_id,
        history.price_id
),

quantities as (
    select
        item_prices.price_id,
        history.quantity
    from item_prices
    inner join history
        on item_prices.subscription_item_id = history.subscription_item_id
    group by
        item_prices.price_id,
        history.quantity
),

final as (
    select
        prices.price_id,
        prices.price_version,
        quantities.quantity,
        cast(
            least(
                sum(
                    case
                        when prices.tiers_mode = 'volume'
                            then quantities.quantity * tiers.unit_amount + tiers.flat_amount
                        else
                            (
                                least(
                                    quantities.quantity,
                                    coalesce(tiers.units_to, quantities.quantity)
                                ) - tiers.units_from
                            ) * tiers.unit_amount + tiers.flat_amount
                    end
                ),
                100000000001
            ) as decimal(28, 8)
        ) as period_amount
    from quantities
    inner join prices
        on quantities.price_id = prices.price_id
    inner join tiers
        on prices.price_id = tiers.price_id
        and prices.price_version = tiers.price_version
        and quantities.quantity > tiers.units_from
    where prices.tiers_mode = 'graduated'
        or quantities.quantity <= coalesce(tiers.units_to, quantities.quantity)
    group by
        prices.price_id,
        prices.price_version,
        quantities.quantity
)

select * from final
