-- Which subscription says why a unit churned: of those that counted until then the one with the
-- greatest MRR (docs/mrr_rules.md 8). One row per churn.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
    where movement_type = 'churn'
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

counted as (
    select * from {{ ref('int_subscription_counted_intervals') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

reductions as (
    select * from {{ ref('int_refund_reductions') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

first_rates as (
    select
        currency,
        from_date
    from {{ ref('int_fx_rate_intervals') }}
    where is_first
),

unit_stretches as (
    select
        movements.movement_id,
        movements.policy_id,
        movements.movement_date,
        counted.subscription_id,
        counted.customer_id,
        counted.from_date,
        counted.to_date,
        counted.to_date <= {{ as_of_date() }}
        and {{ effective_date('counted.to_date', 'policies') }} = movements.movement_date
            as is_ended_then
    from counted
    inner join policies
        on counted.variant_id = policies.variant_id
    left join parents
        on counted.customer_id = parents.customer_id
    inner join movements
        on policies.policy_id = movements.policy_id
        and {{ unit_of('counted') }} = movements.unit_id
    where counted.from_date < movements.movement_date
),

-- The day of the churn: its own, or with month-end series the last one in its month on which a
-- subscription ceased to count.
churn_days as (
    select
        movement_id,
        coalesce(
            max(case when is_ended_then then to_date end), max(movement_date)
        ) as churn_date
    from unit_stretches
    group by movement_id
),

-- Subscriptions that count on, though at 0 MRR, counted the day before too.
candidates as (
    select
        unit_stretches.movement_id,
        unit_stretches.policy_id,
        unit_stretches.subscription_id,
        unit_stretches.customer_id,
        churn_days.churn_date,
        {{ add_days('churn_days.churn_date', -1) }} as day_before
    from unit_stretches
    inner join churn_days
        on unit_stretches.movement_id = churn_days.movement_id
    where unit_stretches.from_date < churn_days.churn_date
        and unit_stretches.to_date >= churn_days.churn_date
),

amounts as (
    select variant_id, subscription_id, currency, from_date, to_date, net_mrr
    from items
    union all
    select variant_id, subscription_id, currency, from_date, to_date, -reduction
    from reductions
),

native_mrr as (
    select
        candidates.movement_id,
        candidates.subscription_id,
        amounts.currency,
        {{ valuation_date(
            'policies', 'candidates.day_before', 'candidates.day_before', 'first_rates.from_date'
        ) }} as valuation_date,
        amounts.net_mrr
    from candidates
    inner join policies
        on candidates.policy_id = policies.policy_id
    inner join amounts
        on policies.variant_id = amounts.variant_id
        and candidates.subscription_id = amounts.subscription_id
        and candidates.day_before >= amounts.from_date
        and candidates.day_before < amounts.to_date
    left join first_rates
        on amounts.currency = first_rates.currency
),

subscription_mrr as (
    select
        native_mrr.movement_id,
        native_mrr.subscription_id,
        sum(
            {{ at_rate(
                'native_mrr.net_mrr',
                'case when native_mrr.currency = ' ~ "'" ~ var('reporting_currency')
                ~ "' then 1 else coalesce(rates.rate, 0) end"
            ) }}
        ) as mrr_before
    from native_mrr
    left join rates
        on native_mrr.currency = rates.currency
        and native_mrr.valuation_date = rates.valuation_date
    group by
        native_mrr.movement_id,
        native_mrr.subscription_id
),

ranked as (
    select
        candidates.*,
        row_number() over (
            partition by candidates.movement_id
            order by coalesce(subscription_mrr.mrr_before, 0) desc, candidates.subscription_id
        ) as preference
    from candidates
    left join subscription_mrr
        on candidates.movement_id = subscription_mrr.movement_id
        and candidates.subscription_id = subscription_mrr.subscription_id
),

final as (
    select
        movement_id,
        policy_id,
        subscription_id,
        customer_id,
        churn_date
    from ranked
    where preference = 1
)

select * from final
