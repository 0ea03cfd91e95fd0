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

-- Dividing exactly is dear, and the same amounts come again and again.
amounts as (
    select
        period_amount,
        period_discount,
        scale_numerator * factor_numerator as numerator,
        scale_denominator * factor_denominator as denominator
    from overlapping
    group by all
),

monthly_amounts as (
    select
        *,
        {{ scaled_amount('period_amount', 'numerator', 'denominator') }} as gross_mrr,
        -- On the invoice basis the lines bring their own discounts.
        {{ scaled_amount(
            'greatest(period_amount - period_discount, 0)', 'numerator', 'denominator'
        ) }} as net_mrr
    from amounts
),

final as (
    select
        overlapping.variant_id,
        overlapping.customer_id,
        overlapping.subscription_id,
        overlapping.subscription_item_id,
        overlapping.price_id,
        overlapping.price_version,
        overlapping.quantity,
        overlapping.currency,
        overlapping.billing_interval,
        overlapping.interval_count,
        overlapping.factor_numerator,
        overlapping.factor_denominator,
        monthly_amounts.gross_mrr,
        monthly_amounts.net_mrr,
        overlapping.from_date,
        overlapping.to_date
    from overlapping
    left join monthly_amounts
        on overlapping.period_amount = monthly_amounts.period_amount
        and overlapping.period_discount = monthly_amounts.period_discount
        and overlapping.scale_numerator * overlapping.factor_numerator = monthly_amounts.numerator
        and overlapping.scale_denominator * overlapping.factor_denominator
            = monthly_amounts.denominator
    where overlapping.from_date <= {{ as_of_date() }}
)

select * from final
