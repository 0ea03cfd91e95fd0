-- `mrr_basis = invoice`: lines with a period whose item is not known count on their own period
-- (docs/mrr_rules.md 3).
with lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

current_items as (
    select * from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

items as (
    select current_items.subscription_item_id
    from current_items
    inner join subscriptions
        on current_items.subscription_id = subscriptions.subscription_id
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
    where mrr_basis = 'invoice'
),

unattached as (
    select
        {{ all_but('lines', ['customer_id']) }},
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

measured as (
    select
        *,
        period_months > 0
        and {{ add_months('period_from_date', 'period_months') }} = period_to_date
            as is_whole_months,
        case billing_interval
            when 'year' then {{ add_months('period_to_date', '-12 * interval_count') }}
            when 'month' then {{ add_months('period_to_date', '-interval_count') }}
            when 'week' then {{ add_days('period_to_date', '-7 * interval_count') }}
            when 'day' then {{ add_days('period_to_date', '-interval_count') }}
        end as full_period_from_date
    from unattached
),

with_factors as (
    select
        variants.variant_id,
        customer_id,
        subscription_id,
        invoice_line_item_id,
        price_id,
        coalesce(quantity, 1) as quantity,
        currency,
        cast(amount as decimal(28, 8)) as amount,
        cast(
            case when variants.discounts = 'none' then 0 else discount_amount end
            as decimal(28, 8)
        ) as discount_amount,
        period_from_date,
        period_to_date,
        -- Without a known price the months (else days) of the period say what a month is.
        case
            when is_unknown_price and is_whole_months then 1
            when is_unknown_price then 365
            when billing_interval = 'week' then variants.week_numerator
            when billing_interval = 'day' then variants.day_numerator
            else 1
        end * case
            when is_proration and not is_unknown_price
                then {{ days_between('full_period_from_date', 'period_to_date') }}
            else 1
        end as factor_numerator,
        case
            when is_unknown_price and is_whole_months then period_months
            when is_unknown_price then 12 * period_days
            else interval_count * case billing_interval
                when 'year' then 12
                when 'week' then variants.week_denominator
                when 'day' then variants.day_denominator
                else 1
            end
        end * case
            when is_proration and not is_unknown_price then period_days
            else 1
        end as factor_denominator
    from measured
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
