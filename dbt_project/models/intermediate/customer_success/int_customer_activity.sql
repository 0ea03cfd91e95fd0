-- What every customer did lately and when it was last heard of, over all its accounts, as of the
-- as-of date. One row per customer with an event, a ticket or a survey answer.
with accounts as (
    select * from {{ ref('int_accounts') }}
),

account_days as (
    select * from {{ ref('int_account_days') }}
    where use_count > 0
),

event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
        and activity_date > {{ add_days(as_of_date(), -28) }}
),

features as (
    select
        event,
        feature
    from {{ ref('product_features') }}
    where is_core
),

tickets as (
    select
        account_id,
        {{ local_date('opened_at') }} as opened_date,
        {{ local_date('resolved_at') }} as resolved_date
    from {{ ref('stg_support__tickets') }}
    where is_current
        and {{ local_date('opened_at') }} <= {{ as_of_date() }}
),

answers as (
    select * from {{ ref('stg_survey__nps_responses') }}
),

used as (
    select
        coalesce(accounts.customer_id, account_days.account_id) as customer_id,
        max(account_days.activity_date) as last_event_date,
        count(
            distinct case
                when account_days.activity_date > {{ add_days(as_of_date(), -28) }}
                    then account_days.activity_date
            end
        ) as active_days_28d,
        count(
            distinct case
                when account_days.activity_date > {{ add_days(as_of_date(), -56) }}
                    and account_days.activity_date <= {{ add_days(as_of_date(), -28) }}
                    then account_days.activity_date
            end
        ) as active_days_28d_before
    from account_days
    left join accounts
        on account_days.account_id = accounts.account_id
    group by coalesce(accounts.customer_id, account_days.account_id)
),

core_use as (
    select
        coalesce(accounts.customer_id, event_days.account_id) as customer_id,
        count(distinct features.feature) as core_features_28d
    from event_days
    inner join features
        on event_days.event = features.event
    left join accounts
        on event_days.account_id = accounts.account_id
    group by coalesce(accounts.customer_id, event_days.account_id)
),

asked as (
    select
        coalesce(accounts.customer_id, tickets.account_id) as customer_id,
        max(tickets.opened_date) as last_ticket_date,
        sum(
            case
                when coalesce(tickets.resolved_date, {{ end_of_time() }}) > {{ as_of_date() }}
                    then 1
                else 0
            end
        ) as open_tickets
    from tickets
    left join accounts
        on tickets.account_id = accounts.account_id
    group by coalesce(accounts.customer_id, tickets.account_id)
),

ranked_answers as (
    select
        coalesce(accounts.customer_id, answers.account_id) as customer_id,
        answers.score,
        answers.responded_date,
        row_number() over (
            partition by coalesce(accounts.customer_id, answers.account_id)
            order by answers.responded_at desc, answers.response_id desc
        ) as recency
    from answers
    left join accounts
        on answers.account_id = accounts.account_id
),

keys as (
    select customer_id from used
    union
    select customer_id from asked
    union
    select customer_id from ranked_answers
),

final as (
    select
        keys.customer_id,
        used.last_event_date,
        coalesce(used.active_days_28d, 0) as active_days_28d,
        coalesce(used.active_days_28d_before, 0) as active_days_28d_before,
        coalesce(core_use.core_features_28d, 0) as core_features_28d,
        asked.last_ticket_date,
        coalesce(asked.open_tickets, 0) as open_tickets,
        ranked_answers.score as latest_score,
        ranked_answers.responded_date as latest_score_date,
        greatest(
            coalesce(used.last_event_date, {{ start_of_time() }}),
            coalesce(asked.last_ticket_date, {{ start_of_time() }}),
            coalesce(ranked_answers.responded_date, {{ start_of_time() }})
        ) as last_sign_date
    from keys
    left join used
        on keys.customer_id = used.customer_id
    left join core_use
        on keys.customer_id = core_use.customer_id
    left join asked
        on keys.customer_id = asked.customer_id
    left join ranked_answers
        on keys.customer_id = ranked_answers.customer_id
        and ranked_answers.recency = 1
)

select * from final
