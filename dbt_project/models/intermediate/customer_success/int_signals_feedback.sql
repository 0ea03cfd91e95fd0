-- Signals of what an account says: surveys and tickets. One row per account, signal and interval.
with answers as (
    select * from {{ ref('stg_survey__nps_responses') }}
),

ticket_versions as (
    select * from {{ ref('stg_support__tickets') }}
),

-- The last answer of a day is the day's.
answer_days as (
    select
        *,
        row_number() over (
            partition by account_id, responded_date order by responded_at desc, response_id desc
        ) as recency
    from answers
),

scores as (
    select
        account_id,
        responded_date as from_date,
        score,
        lag(score) over (partition by account_id order by responded_date) as previous_score,
        lead(responded_date) over (partition by account_id order by responded_date) as next_date
    from answer_days
    where recency = 1
),

-- A year later nobody remembers the mood; a change is news for half of it.
latest_scores as (
    select
        *,
        least(
            coalesce(next_date, {{ end_of_time() }}), {{ add_days('from_date', 365) }}
        ) as to_date
    from scores
),

score_changes as (
    select
        *,
        least(
            coalesce(next_date, {{ end_of_time() }}), {{ add_days('from_date', 180) }}
        ) as to_date
    from scores
    where previous_score is not null
),

-- What a ticket says is known from the version on that says it.
tickets as (
    select
        ticket_id,
        min(account_id) as account_id,
        min({{ local_date('opened_at') }}) as opened_date,
        min(opened_at) as opened_at,
        min(case when resolved_at is not null then valid_from_date end) as resolved_date,
        min(resolved_at) as resolved_at,
        min(case when csat is not null then valid_from_date end) as rated_date,
        max(csat) as csat
    from ticket_versions
    where opened_at is not null
    group by ticket_id
),

open_changes as (
    select account_id, opened_date as change_date, 1 as change
    from tickets
    union all
    select account_id, greatest(resolved_date, opened_date), -1
    from tickets
    where resolved_date is not null
),

open_tickets as (
    {{ swept_levels('open_changes', ['account_id']) }}
),

{%- set marks = {
    'resolved': ['resolved_date', 'resolved_at desc, ticket_id desc', 90],
    'rated': ['rated_date', 'resolved_at desc nulls last, ticket_id desc', 180],
} %}
{%- for name, (date, order, days) in marks.items() %}

{{ name }}_days as (
    select
        *,
        row_number() over (partition by account_id, {{ date }} order by {{ order }}) as recency
    from tickets
    where {{ date }} is not null
),

{{ name }} as (
    select
        *,
        {{ date }} as from_date,
        least(
            coalesce(
                lead({{ date }}) over (partition by account_id order by {{ date }}),
                {{ end_of_time() }}
            ),
            {{ add_days(date, days) }}
        ) as to_date
    from {{ name }}_days
    where recency = 1
),
{%- endfor %}

final as (
    select account_id, {{ signal_columns('nps_latest', 'score') }}
    from latest_scores
    union all
    select
        account_id,
        {{ signal_columns('nps_change', 'score - previous_score',
            detail="previous_score || ' to ' || score") }}
    from score_changes
    union all
    select account_id, {{ signal_columns('tickets_open', 'level') }}
    from open_tickets
    union all
    select
        account_id,
        {{ signal_columns('ticket_hours_to_resolve', 'floor(' ~ seconds_between(
            'opened_at', 'resolved_at') ~ ' / 3600)', detail='ticket_id') }}
    from resolved
    union all
    select account_id, {{ signal_columns('csat_latest', 'csat', detail='ticket_id') }}
    from rated
)

select * from final
