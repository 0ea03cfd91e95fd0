with policies as (
    select policy_id from {{ ref('int_metric_policies_enabled') }}
),

subscriptions as (
    select * from {{ ref('int_scheduled_subscriptions') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
    where valuation_date = {{ as_of_date() }}
),

ahead as (
    select * from {{ ref('int_months_ahead') }}
),

items as (
    select
        scheduled.*,
        coalesce(subscriptions.end_date, {{ end_of_time() }}) as end_date,
        cast(
            scheduled.net_mrr * {{ rate_of('scheduled.currency', 'rates.rate') }}
            as {{ exact_type() }}
        ) as mrr
    from {{ ref('int_scheduled_items') }} as scheduled
    left join subscriptions
        on scheduled.subscription_id = subscriptions.subscription_id
    left join rates
        on scheduled.currency = rates.currency
),

-- The value of an item on the as-of date, and on the last day of each month ahead.
now as (
    select * from items
    where begins_as = 'counted'
        and from_date <= {{ as_of_date() }}
),

later as (
    select
        ahead.month,
        items.*
    from items
    inner join ahead
        on items.from_date <= last_day(ahead.month)
        and items.to_date > last_day(ahead.month)
        and items.end_date > last_day(ahead.month)
),

parts as (
    select policy_id, customer_id, subscription_id, ahead.month, mrr as current_mrr,
        0 as begun_mrr, 0 as stays_mrr, begins_as
    from now
    cross join ahead
    union all
    select policy_id, customer_id, subscription_id, month, 0,
        case when begins_as <> 'counted' then mrr else 0 end,
        case when begins_as = 'counted' then mrr else 0 end,
        begins_as
    from later
),

by_subscription as (
    select
        policy_id,
        customer_id,
        subscription_id,
        month,
        min(case when begins_as <> 'counted' then begins_as end) as begins_as,
        sum(current_mrr) as current_mrr,
        sum(stays_mrr) as stays_mrr,
        sum(begun_mrr) as begun_mrr,
        sum(case when begins_as = 'counted' and stays_mrr <> 0 then 1 else 0 end) as stays
    from parts
    group by
        policy_id,
        customer_id,
        subscription_id,
        month
),

by_customer as (
    select
        policy_id,
        customer_id,
        month,
        {{ to_cents('sum(current_mrr)') }} as current_mrr,
        {{ to_cents('sum(case when stays = 0 then -current_mrr else 0 end)') }} as ending_mrr,
        {{ to_cents('sum(case when stays > 0 then stays_mrr - current_mrr else 0 end)') }}
            as discount_mrr,
        {%- for kind in ['trial', 'starting', 'resuming'] %}
        {{ to_cents("sum(case when begins_as = '" ~ kind ~ "' then begun_mrr else 0 end)") }}
            as {{ kind }}_mrr,
        sum(case when begins_as = '{{ kind }}' and begun_mrr > 0 then 1 else 0 end)
            as {{ kind }}_count,
        {%- endfor %}
        sum(case when stays = 0 and current_mrr > 0 then 1 else 0 end) as ending_count
    from by_subscription
    group by
        policy_id,
        customer_id,
        month
),

sums as (
    select
        policy_id,
        month,
        {%- for part in ['current', 'ending', 'trial', 'starting', 'resuming', 'discount'] %}
        sum({{ part }}_mrr) as {{ part }}_mrr,
        {%- endfor %}
        {%- for kind in ['ending', 'trial', 'starting', 'resuming'] %}
        sum({{ kind }}_count) as {{ kind }}_subscriptions{{ ',' if not loop.last }}
        {%- endfor %}
    from by_customer
    group by
        policy_id,
        month
),

final as (
    select
        policies.policy_id,
        ahead.month,
        {%- for part in ['current', 'ending', 'trial', 'starting', 'resuming', 'discount'] %}
        cast(coalesce(sums.{{ part }}_mrr, 0) as decimal(18, 2)) as {{ part }}_mrr,
        {%- endfor %}
        cast(
            coalesce(
                sums.current_mrr + sums.ending_mrr + sums.trial_mrr + sums.starting_mrr
                + sums.resuming_mrr + sums.discount_mrr, 0
            ) as decimal(18, 2)
        ) as committed_mrr,
        {%- for kind in ['ending', 'trial', 'starting', 'resuming'] %}
        cast(coalesce(sums.{{ kind }}_subscriptions, 0) as bigint) as {{ kind }}_subscriptions
            {{- ',' if not loop.last }}
        {%- endfor %}
    from policies
    cross join ahead
    left join sums
        on policies.policy_id = sums.policy_id
        and ahead.month = sums.month
)

select * from final
