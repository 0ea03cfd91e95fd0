-- Items that count now or are to begin, with their native MRR on the as-of date's terms and, where
-- discounts run out, later (docs/books_rules.md 4). One row per policy, item and stretch.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

stretches as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

subscriptions as (
    select * from {{ ref('int_scheduled_subscriptions') }}
),

prices as (
    select * from {{ ref('int_item_price_intervals') }}
    where from_date <= {{ as_of_date() }}
        and to_date > {{ as_of_date() }}
        and mrr_basis = 'subscription'
),

items as (
    select * from {{ ref('stg_billing__subscription_items') }}
    where is_current
        and not is_deleted
),

price_versions as (
    select * from {{ ref('int_price_versions') }}
    where is_current
        and is_computable
        and price_type = 'recurring'
        and usage_type = 'licensed'
        and billing_scheme = 'per_unit'
),

largest_amounts as (
    select * from {{ ref('int_largest_amounts') }}
),

-- What counts on the as-of date, and what discounts leave of it later.
counted as (
    select
        policies.policy_id,
        stretches.customer_id,
        stretches.subscription_id,
        stretches.subscription_item_id,
        stretches.currency,
        'counted' as begins_as,
        stretches.net_mrr,
        stretches.from_date,
        case
            when stretches.item_kind = 'metered' and stretches.to_date > {{ as_of_date() }}
                then {{ end_of_time() }}
            else stretches.to_date
        end as to_date
    from stretches
    inner join policies
        on stretches.variant_id = policies.variant_id
    where stretches.to_date > {{ as_of_date() }}
),

counted_now as (
    select
        policy_id,
        subscription_id
    from counted
    where from_date <= {{ as_of_date() }}
        and subscription_id is not null
    group by
        policy_id,
        subscription_id
),

begun_prices as (
    select
        subscription_id,
        currency,
        subscription_item_id,
        period_amount,
        billing_interval,
        interval_count
    from prices
    union all
    select
        items.subscription_id,
        price_versions.currency,
        items.subscription_item_id,
        {{ period_amount(
            'price_versions.unit_amount', 'greatest(coalesce(items.quantity, 1), 0)'
        ) }} as period_amount,
        price_versions.billing_interval,
        price_versions.interval_count
    from items
    inner join price_versions
        on items.price_id = price_versions.price_id
    inner join largest_amounts
        on price_versions.currency = largest_amounts.currency
        and {{ at_most_a_month(
            period_amount(
                'price_versions.unit_amount', 'greatest(coalesce(items.quantity, 1), 0)'
            ), 'price_versions.billing_interval'
        ) }} <= largest_amounts.largest_amount
    inner join subscriptions
        on items.subscription_id = subscriptions.subscription_id
        and subscriptions.begins_as = 'starting'
),

-- Trials, pauses and later starts come at their list price, if the policy does not count them yet.
beginning_items as (
    select
        policies.policy_id,
        subscriptions.customer_id,
        subscriptions.subscription_id,
        begun_prices.subscription_item_id,
        begun_prices.currency,
        subscriptions.begins_as,
        begun_prices.period_amount,
        {{ factor_parts(
            'begun_prices.billing_interval', 'begun_prices.interval_count', 'policies'
        ) }},
        subscriptions.begin_date
    from subscriptions
    inner join begun_prices
        on subscriptions.subscription_id = begun_prices.subscription_id
    cross join policies
    left join counted_now
        on policies.policy_id = counted_now.policy_id
        and subscriptions.subscription_id = counted_now.subscription_id
    where subscriptions.begins_as is not null
        and subscriptions.begin_date is not null
        and counted_now.subscription_id is null
        and policies.counts_active
),

beginning as (
    select
        policy_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        currency,
        begins_as,
        {{ scaled_amount('period_amount', 'factor_numerator', 'factor_denominator') }} as net_mrr,
        greatest(begin_date, {{ add_days(as_of_date(), 1) }}) as from_date,
        {{ end_of_time() }} as to_date
    from beginning_items
),

final as (
    select * from counted
    union all
    select * from beginning
)

select * from final
