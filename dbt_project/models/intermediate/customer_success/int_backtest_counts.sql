-- What alerts came to: counted at each month end, and pooled over month ends three months apart.
-- One row per kind, subject, scope and month end (pooled: the last one); subjects that never
-- alerted are there with 0.
with customers as (
    select * from {{ ref('int_backtest_customers') }}
),

alerts as (
    select * from {{ ref('int_backtest_alerts') }}
),

subjects as (
    select
        'trigger' as kind,
        trigger_key as subject
    from {{ ref('int_triggers') }}
    where is_current
    union all
    select 'component', component
    from {{ ref('int_health_configurations') }}
    group by component
    union all
    select 'any_risk', 'any_risk'
    union all
    select 'score', 'health_score'
),

scoped as (
    select
        'month' as scope,
        month_end_date as as_of_date,
        customers.*
    from customers
    union all
    select
        'pooled',
        max(month_end_date) over (),
        customers.*
    from customers
    where is_pooled
),

totals as (
    select
        scope,
        as_of_date,
        count(*) as customers,
        sum(case when is_churned then 1 else 0 end) as churned,
        sum(case when is_churned then mrr else 0 end) as churned_mrr
    from scoped
    group by
        scope,
        as_of_date
),

alerted as (
    select
        alerts.kind,
        alerts.subject,
        scoped.scope,
        scoped.as_of_date,
        count(*) as alerts,
        sum(case when scoped.is_churned then 1 else 0 end) as true_alerts,
        sum(case when scoped.is_churned then scoped.mrr else 0 end) as foreseen_mrr,
        median(
            case
                when scoped.is_churned
                    then {{ days_between('alerts.alerted_date', 'scoped.churn_date') }}
            end
        ) as median_days_of_warning
    from scoped
    inner join alerts
        on scoped.customer_id = alerts.customer_id
        and scoped.month_end_date = alerts.month_end_date
    group by
        alerts.kind,
        alerts.subject,
        scoped.scope,
        scoped.as_of_date
),

final as (
    select
        subjects.kind,
        subjects.subject,
        totals.scope,
        totals.as_of_date,
        totals.customers,
        cast(totals.churned as bigint) as churned,
        coalesce(alerted.alerts, 0) as alerts,
        cast(coalesce(alerted.true_alerts, 0) as bigint) as true_alerts,
        cast(totals.churned_mrr as decimal(18, 2)) as churned_mrr,
        cast(coalesce(alerted.foreseen_mrr, 0) as decimal(18, 2)) as foreseen_mrr,
        cast(alerted.median_days_of_warning as decimal(9, 1)) as median_days_of_warning
    from subjects
    cross join totals
    left join alerted
        on subjects.kind = alerted.kind
        and subjects.subject = alerted.subject
        and totals.scope = alerted.scope
        and totals.as_of_date = alerted.as_of_date
)

select * from final
