-- `mrr_basis = invoice`: what an item charges per period by its invoice lines, prorations brought
-- to a full period (docs/mrr_rules.md 3). Empty unless an enabled policy asks for it.
with lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

history as (
    select * from {{ ref('int_subscription_item_history') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

variants as (
    select count(*) as invoice_variants
    from {{ ref('int_mrr_variants') }}
    where mrr_basis = 'invoice'
),

eligible as (
    select
        lines.*,
        prices.price_id is null as is_unknown_price,
        prices.billing_interval,
        prices.interval_count,
        row_number() over (
            partition by lines.subscription_item_id, lines.period_from_date
            order by
                lines.is_proration, lines.invoice_created_at desc,
                lines.invoice_line_item_id desc
        ) as preference
    from lines
    cross join variants
    left join prices
        on lines.price_id = prices.price_id
    where variants.invoice_variants > 0
        and lines.subscription_item_id is not null
        and lines.price_id is not null
        and lines.period_from_date < lines.period_to_date
        and lines.amount >= 0
        and (lines.line_type = 'subscription' or lines.is_proration)
        and lines.invoice_status not in ('draft', 'void')
        and coalesce(prices.price_type, 'recurring') = 'recurring'
        and coalesce(prices.usage_type, 'licensed') = 'licensed'
),

measured as (
    select
        *,
        {{ days_between('period_from_date', 'period_to_date') }} as period_days,
        case billing_interval
            when 'year' then {{ add_months('period_to_date', '-12 * interval_count') }}
            when 'month' then {{ add_months('period_to_date', '-interval_count') }}
            when 'week' then {{ add_days('period_to_date', '-7 * interval_count') }}
            when 'day' then {{ add_days('period_to_date', '-interval_count') }}
        end as full_period_from_date,
        {{ months_between_firsts('period_from_date', 'period_to_date') }} as period_months,
        lead(period_from_date) over (
            partition by subscription_item_id order by period_from_date
        ) as next_period_from_date
    from eligible
    where preference = 1
),

scaled as (
    select
        subscription_item_id,
        price_id,
        currency,
        case when is_unknown_price then 'month' else billing_interval end as billing_interval,
        case
            when not is_unknown_price then interval_count
            when {{ add_months('period_from_date', 'period_months') }} = period_to_date
                then period_months
            else 1
        end as interval_count,
        coalesce(quantity, 1) as quantity,
        amount,
        discount_amount,
        cast(
            case
                when is_unknown_price
                    and {{ add_months('period_from_date', 'period_months') }} = period_to_date
                    then 1
                when is_unknown_price then 365
                when is_proration
                    then {{ days_between('full_period_from_date', 'period_to_date') }}
                else 1
            end as bigint
        ) as scale_numerator,
        cast(
            case
                when is_unknown_price
                    and {{ add_months('period_from_date', 'period_months') }} = period_to_date
                    then 1
                when is_unknown_price then 12 * period_days
                when is_proration then period_days
                else 1
            end as bigint
        ) as scale_denominator,
        period_from_date as from_date,
        coalesce(next_period_from_date, {{ end_of_time() }}) as to_date
    from measured
),

-- The item's own life bounds what its lines say.
final as (
    select
        'invoice' as mrr_basis,
        history.subscription_id,
        scaled.subscription_item_id,
        scaled.price_id,
        cast(1 as bigint) as price_version,
        scaled.currency,
        scaled.billing_interval,
        scaled.interval_count,
        cast(scaled.quantity as bigint) as quantity,
        cast(scaled.amount as decimal(28, 8)) as period_amount,
        cast(scaled.discount_amount as decimal(28, 8)) as period_discount,
        scaled.scale_numerator,
        scaled.scale_denominator,
        greatest(history.from_date, scaled.from_date) as from_date,
        least(history.to_date, scaled.to_date) as to_date
    from scaled
    inner join history
        on scaled.subscription_item_id = history.subscription_item_id
        and scaled.from_date < history.to_date
        and scaled.to_date > history.from_date
)

select * from final
