-- Signals of what an account pays and when. One row per account, signal and interval; a customer's
-- signal is that of each of its accounts.
with accounts as (
    select * from {{ ref('int_accounts') }}
),

timeline as (
    select * from {{ ref('int_subscription_timeline') }}
    where not is_out_service_end
        and state <> 'incomplete'
),

subscription_versions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where valid_from_date < valid_to_date
),

failed_payments as (
    select
        customer_id,
        payment_id,
        min(valid_from_date) as failed_date
    from {{ ref('stg_billing__payments') }}
    where status = 'failed'
    group by
        customer_id,
        payment_id
),

mrr_intervals as (
    select * from {{ ref('int_customer_mrr_intervals') }}
),

past_due_changes as (
    select customer_id, from_date as change_date,
        case when state in ('past_due', 'unpaid') then 1 else 0 end as change
    from timeline
    union all
    select customer_id, to_date, -1
    from timeline
    where state in ('past_due', 'unpaid')
        and to_date < {{ end_of_time() }}
),

failure_changes as (
    select customer_id, failed_date as change_date, 1 as change
    from failed_payments
    union all
    select customer_id, {{ add_days('failed_date', 28) }}, -1
    from failed_payments
    union all
    select customer_id, min(from_date), 0
    from timeline
    group by customer_id
),

scheduled_changes as (
    select customer_id, valid_from_date as change_date,
        case
            when (is_cancel_at_period_end or cancel_at is not null) and ended_at is null then 1
            else 0
        end as change
    from subscription_versions
    union all
    select customer_id, valid_to_date, -1
    from subscription_versions
    where (is_cancel_at_period_end or cancel_at is not null)
        and ended_at is null
        and valid_to_date < {{ end_of_time() }}
),

{%- for name in ['past_due', 'failure', 'scheduled'] %}

{{ name }}_levels as (
    {{ swept_levels(name ~ '_changes', ['customer_id']) }}
),
{%- endfor %}

-- MRR today against 90 days before: a change counts today, and 90 days later for the time before.
mrr_days as (
    select customer_id, from_date as day
    from mrr_intervals
    union
    select customer_id, {{ add_days('from_date', 90) }}
    from mrr_intervals
),

mrr_stretches as (
    select
        customer_id,
        day as from_date,
        coalesce(
            lead(day) over (partition by customer_id order by day), {{ end_of_time() }}
        ) as to_date
    from mrr_days
),

mrr_trends as (
    select
        mrr_stretches.*,
        {{ ratio('today.mrr', 'earlier.mrr') }} - 1 as trend
    from mrr_stretches
    inner join mrr_intervals as today
        on mrr_stretches.customer_id = today.customer_id
        and mrr_stretches.from_date >= today.from_date
        and mrr_stretches.from_date < today.to_date
    inner join mrr_intervals as earlier
        on mrr_stretches.customer_id = earlier.customer_id
        and {{ add_days('mrr_stretches.from_date', -90) }} >= earlier.from_date
        and {{ add_days('mrr_stretches.from_date', -90) }} < earlier.to_date
    where earlier.mrr > 0
),

tenures as (
    select
        customer_id,
        min(from_date) as from_date,
        {{ end_of_time() }} as to_date
    from mrr_intervals
    where mrr > 0
    group by customer_id
),

found as (
    select
        customer_id,
        {{ signal_columns('is_past_due', 'case when level > 0 then 1 else 0 end') }}
    from past_due_levels
    union all
    select customer_id, {{ signal_columns('failed_payments_28d', 'level') }}
    from failure_levels
    union all
    select
        customer_id,
        {{ signal_columns('cancel_scheduled', 'case when level > 0 then 1 else 0 end') }}
    from scheduled_levels
    union all
    select customer_id, {{ signal_columns('mrr_trend_90d', 'trend') }}
    from mrr_trends
    where trend is not null
    union all
    select customer_id, {{ signal_columns('tenure_days', 0, slope=1) }}
    from tenures
),

final as (
    select
        accounts.account_id,
        found.signal,
        found.from_date,
        found.to_date,
        found.value,
        found.slope,
        found.detail
    from found
    inner join accounts
        on found.customer_id = accounts.customer_id
)

select * from final
