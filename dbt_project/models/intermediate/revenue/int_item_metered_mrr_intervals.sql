-- `metered = invoiced`: usage counts from the day on which it was invoiced (docs/mrr_rules.md 3).
with lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

items as (
    select * from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

counted as (
    select * from {{ ref('int_subscription_counted_intervals') }}
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
    where metered = 'invoiced'
),

usage_lines as (
    select
        {{ all_but('lines', ['subscription_id']) }},
        items.subscription_id,
        prices.billing_interval,
        prices.interval_count
    from lines
    inner join items
        on lines.subscription_item_id = items.subscription_item_id
    inner join prices
        on lines.price_id = prices.price_id
    where prices.usage_type = 'metered'
        and prices.price_type = 'recurring'
        and lines.invoice_status not in ('draft', 'void')
        and lines.invoice_date is not null
),

with_factors as (
    select
        variants.variant_id,
        usage_lines.subscription_id,
        usage_lines.subscription_item_id,
        usage_lines.price_id,
        usage_lines.currency,
        usage_lines.invoice_date,
        coalesce(usage_lines.quantity, 0) as quantity,
        cast(
            usage_lines.amount
            - case when variants.discounts = 'all' then usage_lines.discount_amount else 0 end
            as decimal(28, 8)
        ) as usage_amount,
        {{ factor_parts(
            'usage_lines.billing_interval', 'usage_lines.interval_count', 'variants'
        ) }}
    from usage_lines
    cross join variants
),

-- Charges and corrections apart, for only amounts of 0 and more divide half up.
by_date as (
    select
        variant_id,
        subscription_id,
        subscription_item_id,
        currency,
        invoice_date,
        max(price_id) as price_id,
        cast(sum(quantity) as bigint) as quantity,
        greatest(
            sum({{ scaled_amount(
                'greatest(usage_amount, 0)', 'factor_numerator', 'factor_denominator'
            ) }})
            - sum({{ scaled_amount(
                'greatest(-usage_amount, 0)', 'factor_numerator', 'factor_denominator'
            ) }}),
            0
        ) as usage_mrr
    from with_factors
    group by
        variant_id,
        subscription_id,
        subscription_item_id,
        currency,
        invoice_date
),

stretches as (
    select
        *,
        least(
            coalesce(
                lead(invoice_date) over (
                    partition by variant_id, subscription_item_id, currency
                    order by invoice_date
                ),
                {{ end_of_time() }}
            ),
            last_day({{ add_months(first_of_month('invoice_date'), 1) }})
        ) as until_date
    from by_date
),

final as (
    select
        stretches.variant_id,
        counted.customer_id,
        stretches.subscription_id,
        stretches.subscription_item_id,
        stretches.price_id,
        cast(1 as bigint) as price_version,
        stretches.quantity,
        stretches.currency,
        cast(stretches.usage_mrr as {{ exact_type() }}) as gross_mrr,
        cast(stretches.usage_mrr as {{ exact_type() }}) as net_mrr,
        greatest(stretches.invoice_date, counted.from_date) as from_date,
        least(stretches.until_date, counted.to_date) as to_date
    from stretches
    inner join counted
        on stretches.variant_id = counted.variant_id
        and stretches.subscription_id = counted.subscription_id
        and stretches.invoice_date < counted.to_date
        and stretches.until_date > counted.from_date
)

select * from final
