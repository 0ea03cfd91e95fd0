-- What an invoice line says of MRR while its service period runs (docs/books_rules.md 2): its
-- amount brought to a full period where it is a proration, and to a month. One row per line, in the
-- currency of the line. `tolerance` is what rounding of the line can have moved.
with lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
    where period_from_date < period_to_date
        and coalesce(invoice_status, 'open') not in ('draft', 'void')
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

policies as (
    select *
    from {{ ref('int_metric_policies_enabled') }}
    where policy_id = '{{ var("official_policy") }}'
),

currencies as (
    select
        currency,
        {{ minor_unit('minor_unit_exponent') }} as minor_unit
    from {{ ref('currencies') }}
),

measured as (
    select
        lines.*,
        coalesce(prices.usage_type, 'licensed') = 'metered' as is_metered,
        prices.price_id is null as is_unknown_price,
        prices.billing_interval,
        prices.interval_count,
        policies.week_numerator,
        policies.week_denominator,
        policies.day_numerator,
        policies.day_denominator,
        currencies.minor_unit,
        {{ days_between('lines.period_from_date', 'lines.period_to_date') }} as period_days,
        case prices.billing_interval
            when 'year' then {{ add_months('lines.period_to_date', '-12 * prices.interval_count') }}
            when 'month' then {{ add_months('lines.period_to_date', '-prices.interval_count') }}
            when 'week' then {{ add_days('lines.period_to_date', '-7 * prices.interval_count') }}
            when 'day' then {{ add_days('lines.period_to_date', '-prices.interval_count') }}
        end as full_period_from_date
    from lines
    cross join policies
    left join prices
        on lines.price_id = prices.price_id
    left join currencies
        on lines.currency = currencies.currency
    where coalesce(prices.price_type, 'recurring') = 'recurring'
),

scaled as (
    select
        *,
        -- A line without a known price is spread over its own days.
        case when is_unknown_price then 365 else factor_numerator end
        * case
            when is_proration and not is_unknown_price
                then {{ days_between('full_period_from_date', 'period_to_date') }}
            else 1
        end as scale_numerator,
        case when is_unknown_price then 12 * period_days else factor_denominator end
        * case when is_proration and not is_unknown_price then period_days else 1 end
            as scale_denominator
    from (
        select
            *,
            {{ factor_parts('billing_interval', 'interval_count', 'measured') }}
        from measured
    ) as with_factor
),

valued as (
    select
        *,
        case when amount < 0 then -1 else 1 end * {{ scaled_amount(
            'abs(amount)', 'scale_numerator', 'scale_denominator'
        ) }} as gross_mrr,
        case when amount < discount_amount then -1 else 1 end * {{ scaled_amount(
            'abs(amount - discount_amount)', 'scale_numerator', 'scale_denominator'
        ) }} as net_mrr,
        {{ scaled_amount('minor_unit', 'scale_numerator', 'scale_denominator') }} as unit_mrr
    from scaled
),

final as (
    select
        invoice_line_item_id,
        invoice_id,
        customer_id,
        subscription_id,
        coalesce(subscription_item_id, invoice_line_item_id) as subscription_item_id,
        price_id,
        currency,
        is_metered,
        is_proration,
        case when amount < 0 then -coalesce(quantity, 1) else coalesce(quantity, 1) end as quantity,
        gross_mrr,
        net_mrr,
        -- Half a minor unit on amount and discount; prorations may be cut by the second, not the
        -- day.
        unit_mrr
        + case
            when is_proration
                then cast(
                    {{ exact_divide('cast(abs(gross_mrr) * 100000000 as decimal(38, 0))',
                        'period_days * cast(100000000 as bigint)', 8) }} as {{ exact_type() }}
                )
            else 0
        end as tolerance,
        invoice_status,
        invoice_date,
        is_refunded,
        period_from_date,
        period_to_date
    from valued
)

select * from final
