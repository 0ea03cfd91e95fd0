-- `mrr_basis = invoice`: lines with a period whose item is not known count on their own period
-- (docs/mrr_rules.md 3).
with lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

items as (
    select subscription_item_id
    from {{ ref('int_subscription_item_history') }}
    group by subscription_item_id
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
    where mrr_basis = 'invoice'
),

unattached as (
    select
        lines.* exclude (customer_id),
        coalesce(subscriptions.customer_id, lines.customer_id) as customer_id,
        prices.price_id is null as is_unknown_price,
        prices.billing_interval,
        prices.interval_count,
        {{ days_between('period_from_date', 'period_to_date') }} as period_days,
        {{ months_between_firsts('period_from_date', 'period_to_date') }} as period_months
    from lines
    left join items
        on lines.subscription_item_id = items.subscription_item_id
    left join subscriptions
        on lines.subscription_id = subscriptions.subscription_id
    left join prices
        on lines.price_id = prices.price_id
    where items.subscription_item_id is null
        and lines.period_from_date < lines.period_to_date
        and lines.period_from_date <= {{ as_of_date() }}
        and lines.amount >= 0
        and (lines.line_type = 'subscription' or lines.is_proration)
        and lines.invoice_status not in ('draft', 'void')
        and coalesce(prices.price_type, 'recurring') = 'recurring'
        and coalesce(prices.usage_type, 'licensed') = 'licensed'
),

with_factors as (
    select
        variants.variant_id,
        unattached.customer_id,
        unattached.subscription_id,
        unattached.invoice_line_item_id,
        unattached.price_id,
        coalesce(unattached.quantity, 1) as quantity,
        unattached.currency,
        cast(unattached.amount as decimal(28, 8)) as amount,
        cast(
            case when variants.discounts = 'none' then 0 else unattached.discount_amount end
            as decimal(28, 8)
        ) as discount_amount,
        unattached.period_from_date,
        unattached.period_to_date,
        -- A line with a known price is a full period of it, unless it is a proration.
        case
            when unattached.is_unknown_price or unattached.is_proration
                then case
                    when {{ add_months('period_from_date', 'period_months') }} = period_to_date
                        then 1
                    else 365
                end
            when unattached.billing_interval = 'week' then variants.week_numerator
            when unattached.billing_interval = 'day' then variants.day_numerator
            else 1
        end as factor_numerator,
        case
            when unattached.is_unknown_price or unattached.is_proration
                then case
                    when {{ add_months('period_from_date', 'period_months') }} = period_to_date
                        then period_months
                    else 12 * unattached.period_days
                end
            else unattached.interval_count * case unattached.billing_interval
                when 'year' then 12
                when 'week' then variants.week_denominator
                when 'day' then variants.day_denominator
                else 1
            end
        end as factor_denominator
    from unattached
    cross join variants
),

final as (
    select
        variant_id,
        customer_id,
        subscription_id,
        invoice_line_item_id as subscription_item_id,
        price_id,
        cast(1 as bigint) as price_version,
        cast(quantity as bigint) as quantity,
        currency,
        {{ scaled_amount('amount', 'factor_numerator', 'factor_denominator') }} as gross_mrr,
        {{ scaled_amount(
            'greatest(amount - discount_amount, 0)', 'factor_numerator', 'factor_denominator'
        ) }} as net_mrr,
        period_from_date as from_date,
        period_to_date as to_date
    from with_factors
)

select * from final
