-- `refunds = reduce`: what refunds take from a subscription's MRR in their month, never more than
-- there is (docs/mrr_rules.md 5).
with variants as (
    select * from {{ ref('int_mrr_variants') }}
    where refunds = 'reduce'
),

refunds as (
    select * from {{ ref('int_refunds_made') }}
    where subscription_id is not null
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
        and price_type = 'recurring'
),

items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

invoice_totals as (
    select
        invoice_id,
        sum(amount) as total_amount
    from lines
    group by invoice_id
    having sum(amount) > 0
),

parts as (
    select
        variants.variant_id,
        coalesce(subscriptions.customer_id, refunds.customer_id) as customer_id,
        refunds.subscription_id,
        refunds.refund_id,
        refunds.currency,
        refunds.refund_date,
        {{ factor_parts('prices.billing_interval', 'prices.interval_count', 'variants') }},
        refunds.amount * lines.amount as weighted_amount,
        invoice_totals.total_amount
    from refunds
    cross join variants
    left join subscriptions
        on refunds.subscription_id = subscriptions.subscription_id
    inner join invoice_totals
        on refunds.invoice_id = invoice_totals.invoice_id
    inner join lines
        on refunds.invoice_id = lines.invoice_id
    inner join prices
        on lines.price_id = prices.price_id
),

reductions as (
    select
        variant_id,
        customer_id,
        subscription_id,
        currency,
        refund_date as from_date,
        {{ add_months(first_of_month('refund_date'), 1) }} as to_date,
        sum(
            {{ exact_divide(
                'cast(weighted_amount * 100000000 as decimal(38, 0)) * factor_numerator',
                'cast(total_amount * 10000 as decimal(38, 0)) * factor_denominator * 10000', 10
            ) }}
        ) as reduction
    from parts
    group by
        variant_id,
        customer_id,
        subscription_id,
        currency,
        refund_id,
        refund_date
    having reduction > 0
),

affected_items as (
    select items.*
    from items
    where exists (
        select 1
        from reductions
        where items.variant_id = reductions.variant_id
            and items.subscription_id = reductions.subscription_id
    )
),

changes as (
    select variant_id, customer_id, subscription_id, currency, from_date as change_date,
        net_mrr as net_change, 0 as reduction_change
    from affected_items
    union all
    select variant_id, customer_id, subscription_id, currency, to_date, -net_mrr, 0
    from affected_items
    union all
    select variant_id, customer_id, subscription_id, currency, from_date, 0, reduction
    from reductions
    union all
    select variant_id, customer_id, subscription_id, currency, to_date, 0, -reduction
    from reductions
),

days as (
    select
        variant_id,
        customer_id,
        subscription_id,
        currency,
        change_date,
        sum(net_change) as net_change,
        sum(reduction_change) as reduction_change
    from changes
    group by
        variant_id,
        customer_id,
        subscription_id,
        currency,
        change_date
),

swept as (
    select
        variant_id,
        customer_id,
        subscription_id,
        currency,
        change_date as from_date,
        coalesce(lead(change_date) over subscription_days, {{ end_of_time() }}) as to_date,
        sum(net_change) over subscription_days as net_mrr,
        sum(reduction_change) over subscription_days as reduction
    from days
    window subscription_days as (
        partition by variant_id, customer_id, subscription_id, currency order by change_date
    )
),

final as (
    select
        variant_id,
        customer_id,
        subscription_id,
        currency,
        cast(least(reduction, net_mrr) as {{ exact_type() }}) as reduction,
        from_date,
        to_date
    from swept
    where reduction > 0
        and net_mrr > 0
)

select * from final
