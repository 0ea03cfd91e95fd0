-- Who paid at the end of a month, and whether it churned in the days after it: what alerts of that
-- day are judged by. Only months whose days after are over; `is_pooled` picks month ends three
-- months apart, so that no churn is counted twice. One row per customer and month end.
with months as (
    select * from {{ ref('int_months') }}
    where is_complete
        and {{ add_days('month_end_date', var('backtest_horizon_days')) }} <= {{ as_of_date() }}
),

mrr_intervals as (
    select * from {{ ref('int_customer_mrr_intervals') }}
    where mrr > 0
),

unit_customers as (
    select * from {{ ref('int_unit_customers') }}
    where policy_id = '{{ var("official_policy") }}'
),

churns as (
    select
        unit_customers.customer_id,
        churn_events.churn_date
    from {{ ref('int_churn_events_explained') }} as churn_events
    inner join unit_customers
        on churn_events.unit_id = unit_customers.unit_id
    where churn_events.policy_id = '{{ var("official_policy") }}'
),

numbered as (
    select
        month_end_date,
        mod(row_number() over (order by month_end_date desc) - 1, 3) = 0 as is_pooled
    from months
),

paying as (
    select
        mrr_intervals.customer_id,
        numbered.month_end_date,
        numbered.is_pooled,
        mrr_intervals.mrr
    from numbered
    inner join mrr_intervals
        on numbered.month_end_date >= mrr_intervals.from_date
        and numbered.month_end_date < mrr_intervals.to_date
),

final as (
    select
        paying.customer_id,
        paying.month_end_date,
        paying.is_pooled,
        paying.mrr,
        min(churns.churn_date) as churn_date,
        count(churns.churn_date) > 0 as is_churned
    from paying
    left join churns
        on paying.customer_id = churns.customer_id
        and churns.churn_date > paying.month_end_date
        and churns.churn_date
        <= {{ add_days('paying.month_end_date', var('backtest_horizon_days')) }}
    group by
        paying.customer_id,
        paying.month_end_date,
        paying.is_pooled,
        paying.mrr
)

select * from final
