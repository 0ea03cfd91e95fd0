-- Monthly MRR of an item before discounts, on the stretches where its subscription counts.
with prices as (
    select * from {{ ref('int_item_price_intervals') }}
),

counted as (
    select * from {{ ref('int_subscription_counted_intervals') }}
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
),

overlapping as (
    select
        counted.variant_id,
        counted.customer_id,
        counted.subscription_id,
        prices.subscription_item_id,
        prices.price_id,
        prices.price_version,
        prices.quantity,
        prices.currency,
        prices.billing_interval,
        prices.interval_count,
        prices.period_amount,
        case when variants.discounts = 'none' then 0 else prices.period_discount end
            as period_discount,
        prices.scale_numerator,
        prices.scale_denominator,
        {{ factor_parts('prices.billing_interval', 'prices.interval_count', 'variants') }},
        greatest(prices.from_date, counted.from_date) as from_date,
        least(prices.to_date, counted.to_date) as to_date
    from counted
    inner join variants
        on counted.variant_id = variants.variant_id
    inner join prices
        on counted.subscription_id = prices.subscription_id
        and variants.mrr_basis = prices.mrr_basis
        and counted.from_date < prices.to_date
        and counted.to_date > prices.from_date
),

final as (
    select
        variant_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        price_version,
        quantity,
        currency,
        billing_interval,
        interval_count,
        factor_numerator,
        factor_denominator,
        {{ scaled_amount(
            'period_amount', 'scale_numerator * factor_numerator',
            'scale_denominator * factor_denominator'
        ) }} as gross_mrr,
        -- On the invoice basis the lines bring their own discounts.
        {{ scaled_amount(
            'greatest(period_amount - period_discount, 0)', 'scale_numerator * factor_numerator',
            'scale_denominator * factor_denominator'
        ) }} as net_mrr,
        from_date,
        to_date
    from overlapping
    where from_date <= {{ as_of_date() }}
)

select * from final
