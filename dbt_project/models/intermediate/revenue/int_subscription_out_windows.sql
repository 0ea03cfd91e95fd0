-- Stretches out of service of a subscription, one set per reading of `churn_at` (docs/mrr_rules.md
-- 2).
with versions as (
    select
        subscription_id,
        customer_id,
        valid_from_date,
        valid_to_date,
        {{ local_date('canceled_at') }} as canceled_date,
        status in ('canceled', 'incomplete_expired') or ended_at is not null as is_ended,
        {{ local_date('coalesce(ended_at, canceled_at, valid_from)') }} as service_end_date
    from {{ ref('stg_billing__subscriptions') }}
    where valid_from_date < valid_to_date
),

customer_versions as (
    select * from {{ ref('stg_billing__customers') }}
    where valid_from_date < valid_to_date
),

lines as (
    select * from {{ ref('int_invoice_lines_prepared') }}
),

runs as (
    select
        *,
        is_ended or canceled_date is not null as is_asked,
        lead(is_ended) over subscription_history as next_is_ended,
        lead(is_ended or canceled_date is not null) over subscription_history as next_is_asked
    from versions
    window subscription_history as (partition by subscription_id order by valid_from_date)
),

-- Of consecutive ended versions the last one speaks: it corrects the ones before.
ended as (
    select
        subscription_id,
        service_end_date as out_from_date,
        valid_to_date as out_to_date
    from runs
    where is_ended
        and not coalesce(next_is_ended, false)
),

asked as (
    select
        subscription_id,
        least(canceled_date, case when is_ended then service_end_date end) as out_from_date,
        valid_to_date as out_to_date
    from runs
    where is_asked
        and not coalesce(next_is_asked, false)
),

paid_periods as (
    select
        subscription_id,
        period_from_date,
        max(period_to_date) as period_to_date
    from lines
    where line_type = 'subscription'
        and period_from_date is not null
        and period_to_date is not null
        and amount > 0
        and invoice_status = 'paid'
        and not is_refunded
    group by
        subscription_id,
        period_from_date
),

paid as (
    select
        ended.subscription_id,
        greatest(ended.out_from_date, max(paid_periods.period_to_date)) as out_from_date,
        ended.out_to_date
    from ended
    left join paid_periods
        on ended.subscription_id = paid_periods.subscription_id
        and ended.out_from_date > paid_periods.period_from_date
    group by
        ended.subscription_id,
        ended.out_from_date,
        ended.out_to_date
),

subscriptions as (
    select
        subscription_id,
        customer_id
    from versions
    where valid_to_date = {{ end_of_time() }}
),

deleted as (
    select
        subscriptions.subscription_id,
        customer_versions.valid_from_date as out_from_date,
        customer_versions.valid_to_date as out_to_date
    from subscriptions
    inner join customer_versions
        on subscriptions.customer_id = customer_versions.customer_id
    where customer_versions.is_deleted
),

readings as (
    select 'service_end' as churn_at, * from ended
    union all
    select 'requested' as churn_at, * from asked
    union all
    select 'paid_period_end' as churn_at, * from paid
    union all
    select 'any' as churn_at, * from deleted
),

final as (
    select
        subscription_id,
        churn_at,
        out_from_date,
        out_to_date
    from readings
    where out_from_date < out_to_date
)

select * from final
