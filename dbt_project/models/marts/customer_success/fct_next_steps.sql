with customers as (
    select * from {{ ref('int_customers_reviewed') }}
),

cancellations as (
    select
        customer_id,
        min({{ local_date('coalesce(cancel_at, current_period_ended_at)') }}) as end_date
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and status in ('active', 'past_due', 'trialing')
        and (is_cancel_at_period_end or cancel_at is not null)
    group by customer_id
),

champions as (
    select * from {{ ref('fct_champion_candidates') }}
    where user_rank = 1
),

onboarding as (
    select
        customer_id,
        min(step_number) as step_number,
        min_by(milestone, step_number) as milestone
    from {{ ref('fct_onboarding') }}
    where is_current_step
        and state = 'overdue'
    group by customer_id
),

-- A trigger's playbook has several steps; the first one that is open comes next.
actions as (
    select
        customer_id,
        evidence,
        channel,
        template,
        due_date,
        row_number() over (
            partition by customer_id, trigger_event_id order by step_number, action_id
        ) as step_order
    from {{ ref('fct_action_queue') }}
    where state = 'open'
),

-- In the order in which they matter at a renewal.
listed as (
    select
        customer_id,
        0 as priority,
        'action_queue' as source,
        evidence || ': ' || replace(template, '_', ' ') || ' (' || replace(channel, '_', ' ')
        || '), due ' || {{ as_text('due_date') }} as step
    from actions
    where step_order = 1
    union all
    select
        customer_id,
        1,
        'cancellation',
        'Settle the cancellation scheduled for ' || {{ as_text('end_date') }}
    from cancellations
    union all
    select customer_id, 2, 'expiring_cards', why_listed || ': ask for a new one'
    from {{ ref('fct_expiring_cards') }}
    where not has_other_card
    union all
    select customer_id, 3, 'silent_customers', why_listed || ': call'
    from {{ ref('fct_silent_customers') }}
    union all
    select
        customer_id,
        4,
        'champion_candidates',
        'Find a champion; most active is user ' || user_id
    from champions
    union all
    select customer_id, 5, 'onboarding', 'Onboarding: help with ' || replace(milestone, '_', ' ')
    from onboarding
    union all
    select customer_id, 6, kind, suggested_approach
    from {{ ref('fct_advocacy_candidates') }}
    union all
    select customer_id, 7, 'loyalty', 'Three years and more: ' || tenure_reward
    from {{ ref('fct_loyalty_candidates') }}
    where is_over_three_years
        and tenure_reward is not null
    union all
    select customer_id, 8, 'survey', 'Ask for an answer to the survey'
    from customers
    where latest_score_age_days is null
        or latest_score_age_days > 180
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.current_mrr,
        cast(
            row_number() over (
                partition by customers.customer_id
                order by listed.priority, listed.source, listed.step
            ) as integer
        ) as step_number,
        listed.source,
        listed.step
    from listed
    inner join customers
        on listed.customer_id = customers.customer_id
)

select * from final
