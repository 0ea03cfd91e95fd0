-- Why a unit churned: what its largest subscription says (docs/mrr_rules.md 8). One row per churn.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

largest as (
    select
        churned.*,
        policies.churn_at
    from {{ ref('int_mrr_churned_subscriptions') }} as churned
    inner join policies
        on churned.policy_id = policies.policy_id
),

timeline as (
    select * from {{ ref('int_subscription_timeline') }}
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

payments as (
    select
        customer_id,
        payment_id,
        status,
        created_at,
        {{ local_date('created_at') }} as payment_date
    from {{ ref('stg_billing__payments') }}
    where is_current
),

-- The state on the churn day while in service, else of the day before.
states as (
    select
        largest.movement_id,
        timeline.state,
        row_number() over (
            partition by largest.movement_id order by timeline.from_date desc
        ) as preference
    from largest
    inner join timeline
        on largest.subscription_id = timeline.subscription_id
        and largest.churn_date >= timeline.from_date
        and largest.churn_date <= timeline.to_date
        and (
            timeline.to_date = largest.churn_date
            or not case largest.churn_at
                when 'requested' then timeline.is_out_requested
                when 'paid_period_end' then timeline.is_out_paid_period_end
                else timeline.is_out_service_end
            end
        )
),

last_payments as (
    select
        largest.movement_id,
        payments.status,
        row_number() over (
            partition by largest.movement_id
            order by payments.created_at desc, payments.payment_id desc
        ) as preference
    from largest
    inner join payments
        on largest.customer_id = payments.customer_id
        and largest.churn_date >= payments.payment_date
),

final as (
    select
        largest.movement_id,
        largest.subscription_id,
        case
            when subscriptions.cancellation_reason in ('payment_failed', 'payment_disputed')
                then 'involuntary'
            when subscriptions.cancellation_reason is null
                and (states.state in ('past_due', 'unpaid') or last_payments.status = 'failed')
                then 'involuntary'
            else 'voluntary'
        end as churn_type,
        coalesce(
            subscriptions.cancellation_reason,
            case
                when states.state in ('past_due', 'unpaid', 'paused', 'trialing')
                    then states.state
            end,
            'unknown'
        ) as churn_reason,
        subscriptions.cancellation_feedback as churn_feedback
    from largest
    inner join subscriptions
        on largest.subscription_id = subscriptions.subscription_id
    left join states
        on largest.movement_id = states.movement_id
        and states.preference = 1
    left join last_payments
        on largest.movement_id = last_payments.movement_id
        and last_payments.preference = 1
)

select * from final
