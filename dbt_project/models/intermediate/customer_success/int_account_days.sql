-- What an account did on a day, by the meanings of seed event_meanings. Events whose meaning is
-- not_activity count in event_count only. One row per account and day with an event.
with event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

meanings as (
    select * from {{ ref('event_meanings') }}
),

features as (
    select
        event,
        max(case when is_core then feature end) as core_feature
    from {{ ref('product_features') }}
    group by event
),

told as (
    select
        event_days.*,
        coalesce(meanings.meaning, 'use') as meaning,
        features.core_feature
    from event_days
    left join meanings
        on event_days.event = meanings.event
    left join features
        on event_days.event = features.event
),

final as (
    select
        account_id,
        activity_date,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(case when meaning <> 'not_activity' then event_count else 0 end) as bigint)
            as use_count,
        cast(sum(case when meaning = 'login' then event_count else 0 end) as bigint)
            as login_count,
        cast(sum(case when meaning = 'cancel_page' then event_count else 0 end) as bigint)
            as cancel_page_visit_count,
        cast(sum(case when meaning = 'data_export' then event_count else 0 end) as bigint)
            as data_export_count,
        cast(sum(case when meaning = 'upgrade_page' then event_count else 0 end) as bigint)
            as upgrade_page_visit_count,
        cast(sum(case when core_feature is not null then event_count else 0 end) as bigint)
            as core_feature_event_count,
        count(distinct core_feature) as core_feature_count,
        count(distinct case when meaning <> 'not_activity' then user_id end) as active_user_count
    from told
    group by
        account_id,
        activity_date
)

select * from final
