-- Why a unit churned: what its largest subscription says (docs/mrr_rules.md 8). One row per churn.
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

-- The stretches of a unit that ended by the churn: on its day, or in its month for month-end
-- series.
ended as (
    select
        movements.movement_id,
        policies.variant_id,
        policies.churn_at,
        counted.subscription_id,
        counted.customer_id,
        counted.to_date,
        max(counted.to_date) over (partition by movements.movement_id) as last_to_date
    from counted
    inner join policies
        on counted.variant_id = policies.variant_id
    left join parents
        on counted.customer_id = parents.customer_id
    inner join movements
        on policies.policy_id = movements.policy_id
        and case policies.grain
            when 'subscription' then counted.subscription_id
            when 'parent_account' then coalesce(parents.parent_unit_id, counted.customer_id)
            else counted.customer_id
        end = movements.unit_id
        and {{ effective_date('counted.to_date', 'policies') }} = movements.movement_date
    where counted.to_date <= {{ as_of_date() }}
),

-- Subscriptions that count on, though at 0 MRR, were counted the day before too.
still_counted as (
    select
        movements.movement_id,
        policies.variant_id,
        policies.churn_at,
        counted.subscription_id,
        counted.customer_id,
        movements.movement_date as churn_date
    from counted
    inner join policies
        on counted.variant_id = policies.variant_id
    left join parents
        on counted.customer_id = parents.customer_id
    inner join movements
        on policies.policy_id = movements.policy_id
        and case policies.grain
            when 'subscription' then counted.subscription_id
            when 'parent_account' then coalesce(parents.parent_unit_id, counted.customer_id)
            else counted.customer_id
        end = movements.unit_id
        and counted.from_date < movements.movement_date
        and counted.to_date > movements.movement_date
),

candidates as (
    select
        movement_id,
        variant_id,
        churn_at,
        subscription_id,
        customer_id,
        last_to_date as churn_date
    from ended
    where to_date = last_to_date
    union all
    select * from still_counted
),

candidate_mrr as (
    select
        candidates.movement_id,
        candidates.churn_at,
        candidates.subscription_id,
        candidates.customer_id,
        candidates.churn_date,
        coalesce(sum(items.net_mrr), 0) as mrr_before
    from candidates
    left join items
        on candidates.variant_id = items.variant_id
        and candidates.subscription_id = items.subscription_id
        and candidates.churn_date > items.from_date
        and candidates.churn_date <= items.to_date
    group by
        candidates.movement_id,
        candidates.churn_at,
        candidates.subscription_id,
        candidates.customer_id,
        candidates.churn_date
),

largest as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by movement_id order by mrr_before desc, subscription_id
            ) as preference
        from candidate_mrr
    ) as ranked
    where preference = 1
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
