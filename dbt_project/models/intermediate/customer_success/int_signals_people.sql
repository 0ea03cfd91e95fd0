-- Signals of who is there: champions of the account and its owner here. One row per account, signal
-- and interval.
with contact_versions as (
    select * from {{ ref('stg_crm__contacts') }}
    where valid_from_date < valid_to_date
),

user_versions as (
    select * from {{ ref('stg_product__users') }}
    where valid_from_date < valid_to_date
),

account_versions as (
    select * from {{ ref('stg_crm__accounts') }}
    where valid_from_date < valid_to_date
),

terms as (
    select * from {{ ref('int_champion_terms') }}
),

event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

-- On which days a contact was there as a champion of the account.
presence_changes as (
    select account_id, contact_id, user_id, from_date as change_date, change
    from terms
    union all
    select account_id, contact_id, user_id, to_date, -change
    from terms
    where to_date < {{ end_of_time() }}
),

presence_levels as (
    {{ swept_levels('presence_changes', ['account_id', 'contact_id', 'user_id']) }}
),

champions as (
    select
        *,
        lead(from_date) over (
            partition by account_id, contact_id order by from_date
        ) as returned_date
    from presence_levels
    where level > 0
),

-- A departure is known from the version on that tells of it, and not before it happens. Another
-- role or account is none.
deactivations as (
    select
        user_id,
        greatest({{ local_date('deactivated_at') }}, valid_from_date) as from_date,
        valid_to_date as to_date
    from user_versions
    where deactivated_at is not null
),

departures as (
    select
        contact_id,
        greatest({{ local_date('left_company_at') }}, valid_from_date) as from_date,
        valid_to_date as to_date
    from contact_versions
    where left_company_at is not null
),

user_days as (
    select
        user_id,
        activity_date
    from event_days
    where user_id in (select user_id from champions)
    group by
        user_id,
        activity_date
),

-- From a champion's first event on, 30 days without one are as good as having left.
user_gaps as (
    select
        user_id,
        {{ add_days('activity_date', 30) }} as from_date,
        coalesce(
            lead(activity_date) over (partition by user_id order by activity_date),
            {{ end_of_time() }}
        ) as to_date
    from user_days
),

-- For 90 days, or until the champion is back.
absences as (
    select
        champions.account_id,
        champions.to_date as from_date,
        least(
            {{ add_days('champions.to_date', 90) }},
            coalesce(champions.returned_date, {{ end_of_time() }})
        ) as to_date
    from champions
    left join departures
        on champions.contact_id = departures.contact_id
        and champions.to_date >= departures.from_date
        and champions.to_date < departures.to_date
    left join deactivations
        on champions.user_id = deactivations.user_id
        and champions.to_date >= deactivations.from_date
        and champions.to_date < deactivations.to_date
    where champions.to_date < {{ end_of_time() }}
        and (departures.contact_id is not null or deactivations.user_id is not null)
    union all
    select
        champions.account_id,
        greatest(user_gaps.from_date, champions.from_date) as from_date,
        least(user_gaps.to_date, champions.to_date) as to_date
    from user_gaps
    inner join champions
        on user_gaps.user_id = champions.user_id
        and user_gaps.from_date < champions.to_date
        and user_gaps.to_date > champions.from_date
),

count_changes as (
    select account_id, from_date as change_date, change
    from terms
    union all
    select account_id, to_date, -change
    from terms
    where to_date < {{ end_of_time() }}
),

champion_counts as (
    {{ swept_levels('count_changes', ['account_id']) }}
),

absence_changes as (
    select account_id, from_date as change_date, 1 as change
    from absences
    union all
    select account_id, to_date, -1
    from absences
    where to_date < {{ end_of_time() }}
    union all
    select account_id, from_date, 0
    from champions
),

absence_counts as (
    {{ swept_levels('absence_changes', ['account_id']) }}
),

owners as (
    select
        account_id,
        owner_id,
        valid_from_date as from_date,
        lag(owner_id) over (partition by account_id order by valid_from_date) as previous_owner_id
    from account_versions
),

owner_changes as (
    select
        *,
        least(
            coalesce(
                lead(from_date) over (partition by account_id order by from_date),
                {{ end_of_time() }}
            ),
            {{ add_days('from_date', 30) }}
        ) as to_date
    from owners
    where owner_id <> previous_owner_id
),

final as (
    select account_id, {{ signal_columns('champion_count', 'level') }}
    from champion_counts
    union all
    select
        account_id,
        {{ signal_columns('champion_left', 'case when level > 0 then 1 else 0 end') }}
    from absence_counts
    union all
    select
        account_id,
        {{ signal_columns('owner_changed', 1,
            detail="previous_owner_id || ' to ' || owner_id") }}
    from owner_changes
)

select * from final
