-- Signals of how an account's contract goes on: card, renewal, end of trial, return. One row per
-- account, signal and interval; a customer's signal is that of each of its accounts.
with accounts as (
    select * from {{ ref('int_accounts') }}
),

timeline as (
    select * from {{ ref('int_subscription_timeline') }}
    where not is_out_service_end
        and state <> 'incomplete'
),

invoice_lines as (
    select
        subscription_id,
        {{ local_date('period_started_at') }} as from_date,
        {{ local_date('period_ended_at') }} as to_date
    from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
        and subscription_id is not null
        and line_type = 'subscription'
),

subscription_versions as (
    select
        subscription_id,
        customer_id,
        {{ local_date('current_period_started_at') }} as from_date,
        {{ local_date('current_period_ended_at') }} as to_date
    from {{ ref('stg_billing__subscriptions') }}
),

subscriptions as (
    select
        subscription_id,
        min(customer_id) as customer_id
    from subscription_versions
    group by subscription_id
),

-- Service periods of a quarter and more: a monthly plan renews all the time. Where two overlap
-- the one that ends first is what comes up.
periods as (
    select
        subscriptions.customer_id,
        invoice_lines.from_date,
        invoice_lines.to_date
    from invoice_lines
    inner join subscriptions
        on invoice_lines.subscription_id = subscriptions.subscription_id
    union
    select customer_id, from_date, to_date
    from subscription_versions
),

long_periods as (
    select *
    from periods
    where {{ days_between('from_date', 'to_date') }} >= 85
        and from_date <= {{ as_of_date() }}
),

renewals as (
    select
        customer_id,
        from_date,
        least(
            to_date,
            coalesce(
                lead(from_date) over (partition by customer_id order by from_date, to_date),
                {{ end_of_time() }}
            )
        ) as to_date,
        to_date as renewal_date
    from long_periods
),

cards as (
    select * from {{ ref('int_card_intervals') }}
),

-- Trials that came to their end without any service after them; for 60 days.
trial_ends as (
    select
        customer_id,
        to_date as from_date
    from timeline
    where state = 'trialing'
        and to_date <= {{ as_of_date() }}
    group by
        customer_id,
        to_date
),

not_converted as (
    select
        trial_ends.customer_id,
        trial_ends.from_date,
        least(
            {{ add_days('trial_ends.from_date', 60) }},
            coalesce(min(timeline.from_date), {{ end_of_time() }})
        ) as to_date
    from trial_ends
    left join timeline
        on trial_ends.customer_id = timeline.customer_id
        and trial_ends.from_date < timeline.to_date
    group by
        trial_ends.customer_id,
        trial_ends.from_date
),

found as (
    select
        customer_id,
        {{ signal_columns('renewal_in_days', days_between('from_date', 'renewal_date'),
            slope=-1) }}
    from renewals
    where from_date < to_date
    union all
    select
        customer_id,
        {{ signal_columns('card_expires_in_days', days_between('from_date', 'expiry_date'),
            slope=-1) }}
    from cards
    union all
    select customer_id, {{ signal_columns('trial_ended_without_conversion_days', 0, slope=1) }}
    from not_converted
    where from_date < to_date
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
