-- Who was alerted at the end of a month, by what: a trigger that was on or had fired in the 30 days
-- before, any risk trigger at all, the colour red, a red component of health. One row per kind,
-- subject, customer and month end.
with customers as (
    select * from {{ ref('int_backtest_customers') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

firings as (
    select * from {{ ref('int_trigger_firings') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
    where is_current
),

scores as (
    select * from {{ ref('int_health_seen') }}
),

components as (
    select * from {{ ref('int_health_components_seen') }}
),

account_months as (
    select
        customers.customer_id,
        customers.month_end_date,
        accounts.account_id
    from customers
    inner join accounts
        on customers.customer_id = accounts.customer_id
),

fired as (
    select
        firings.trigger_key,
        triggers.direction,
        account_months.customer_id,
        account_months.month_end_date,
        min(firings.fired_date) as alerted_date
    from account_months
    inner join firings
        on account_months.account_id = firings.account_id
        and firings.fired_date <= account_months.month_end_date
        and (
            firings.fired_date > {{ add_days('account_months.month_end_date', -30) }}
            or coalesce(firings.cleared_date, {{ end_of_time() }}) > account_months.month_end_date
        )
    inner join triggers
        on firings.trigger_key = triggers.trigger_key
    group by
        firings.trigger_key,
        triggers.direction,
        account_months.customer_id,
        account_months.month_end_date
),

final as (
    select
        'trigger' as kind,
        trigger_key as subject,
        customer_id,
        month_end_date,
        alerted_date
    from fired
    union all
    select 'any_risk', 'any_risk', customer_id, month_end_date, min(alerted_date)
    from fired
    where direction = 'risk'
    group by
        customer_id,
        month_end_date
    union all
    select
        'score',
        'health_score',
        account_months.customer_id,
        account_months.month_end_date,
        cast(null as date)
    from account_months
    inner join scores
        on account_months.account_id = scores.account_id
        and account_months.month_end_date = scores.seen_date
    where scores.colour = 'red'
    group by
        account_months.customer_id,
        account_months.month_end_date
    union all
    select
        'component',
        components.component,
        account_months.customer_id,
        account_months.month_end_date,
        cast(null as date)
    from account_months
    inner join components
        on account_months.account_id = components.account_id
        and account_months.month_end_date = components.seen_date
    where components.points = 0
    group by
        components.component,
        account_months.customer_id,
        account_months.month_end_date
)

select * from final
