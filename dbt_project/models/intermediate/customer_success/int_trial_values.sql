-- What a subscription in trial would bring, as MRR in the reporting currency: its items' prices by
-- the month, before discounts, at the last exchange rate. One row per subscription with a trial;
-- null where a price or a rate is not known.
with subscriptions as (
    select
        subscription_id,
        {{ local_date('trial_ended_at') }} as trial_end_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and trial_ended_at is not null
),

variants as (
    select variants.*
    from {{ ref('int_mrr_variants') }} as variants
    inner join {{ ref('int_metric_policies_enabled') }} as policies
        on variants.variant_id = policies.variant_id
    where policies.policy_id = '{{ var("official_policy") }}'
),

prices as (
    select * from {{ ref('int_item_price_intervals') }}
    where mrr_basis = 'subscription'
),

rates as (
    select
        currency,
        max_by(rate, rate_date) as rate
    from {{ ref('stg_finance__fx_rates') }}
    where rate_date <= {{ as_of_date() }}
    group by currency
),

items as (
    select
        subscriptions.subscription_id,
        prices.currency,
        prices.period_amount,
        prices.scale_numerator,
        prices.scale_denominator,
        {{ factor_parts('prices.billing_interval', 'prices.interval_count', 'variants') }}
    from subscriptions
    cross join variants
    inner join prices
        on subscriptions.subscription_id = prices.subscription_id
        -- The last day of the trial, or today's where it goes on.
        and prices.from_date
        <= least({{ add_days('subscriptions.trial_end_date', -1) }}, {{ as_of_date() }})
        and prices.to_date
        > least({{ add_days('subscriptions.trial_end_date', -1) }}, {{ as_of_date() }})
),

native as (
    select
        subscription_id,
        currency,
        sum(
            {{ scaled_amount(
                'period_amount', 'scale_numerator * factor_numerator',
                'scale_denominator * factor_denominator'
            ) }}
        ) as native_mrr
    from items
    group by
        subscription_id,
        currency
),

final as (
    select
        native.subscription_id,
        {{ to_cents(
            "sum(native.native_mrr * case when native.currency = '"
            ~ var('reporting_currency') ~ "' then 1 else rates.rate end)"
        ) }} as trial_mrr
    from native
    left join rates
        on native.currency = rates.currency
    group by native.subscription_id
)

select * from final
