-- Signals of how much an account uses the product. One row per account, signal and interval.
with use_days as (
    select * from {{ ref('int_account_days') }}
    where use_count > 0
),

starts as (
    select * from {{ ref('int_account_watch_starts') }}
),

tickets as (
    select * from {{ ref('stg_support__tickets') }}
    where is_current
),

answers as (
    select * from {{ ref('stg_survey__nps_responses') }}
),

-- Where no event of the company means a login, any use is one.
company as (
    select coalesce(sum(login_count), 0) > 0 as has_logins
    from use_days
),

login_days as (
    select
        use_days.account_id,
        use_days.activity_date as seen_date
    from use_days
    cross join company
    where use_days.login_count > 0
        or not company.has_logins
    union
    select account_id, watch_date
    from starts
),

contact_days as (
    select
        account_id,
        activity_date as seen_date
    from use_days
    union
    select account_id, watch_date
    from starts
    union
    select account_id, {{ local_date('opened_at') }}
    from tickets
    where {{ local_date('opened_at') }} <= {{ as_of_date() }}
    union
    select account_id, responded_date
    from answers
),

{%- for name in ['login', 'contact'] %}

{{ name }}_intervals as (
    select
        account_id,
        seen_date as from_date,
        coalesce(
            lead(seen_date) over (partition by account_id order by seen_date), {{ end_of_time() }}
        ) as to_date
    from {{ name }}_days
),
{%- endfor %}

-- A day of use counts among the last 28 days for 28 days, then among the 28 before them.
recent_changes as (
    select account_id, activity_date as change_date, 1 as change
    from use_days
    union all
    select account_id, {{ add_days('activity_date', 28) }}, -1
    from use_days
    union all
    select account_id, watch_date, 0
    from starts
),

both_changes as (
    select account_id, change_date, change * 1000 as change
    from recent_changes
    union all
    select account_id, {{ add_days('change_date', 28) }}, change
    from recent_changes
),

active_days as (
    {{ swept_levels('recent_changes', ['account_id']) }}
),

-- Both counts in one number: recent × 1000 + before. They can be compared once an account has been
-- watched for 56 days.
compared as (
    select
        levels.account_id,
        greatest(levels.from_date, {{ add_days('starts.watch_date', 56) }}) as from_date,
        levels.to_date,
        cast(floor(levels.level / 1000) as integer) as recent_days,
        cast(levels.level - floor(levels.level / 1000) * 1000 as integer) as days_before
    from ({{ swept_levels('both_changes', ['account_id']) }}) as levels
    inner join starts
        on levels.account_id = starts.account_id
    where levels.to_date > {{ add_days('starts.watch_date', 56) }}
),

final as (
    select account_id, {{ signal_columns('days_since_last_login', 0, slope=1) }}
    from login_intervals
    union all
    select account_id, {{ signal_columns('silent_days', 0, slope=1) }}
    from contact_intervals
    union all
    select account_id, {{ signal_columns('active_days_28d', 'level') }}
    from active_days
    union all
    -- Of fewer than four days a share says nothing.
    select
        account_id,
        {{ signal_columns('active_days_trend', ratio('recent_days', 'days_before') ~ ' - 1',
            detail="days_before || ' to ' || recent_days || ' active days'") }}
    from compared
    where days_before >= 4
)

select * from final
