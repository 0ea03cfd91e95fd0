-- Signals of what an account does in the product. One row per account, signal and interval.
with event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

account_days as (
    select * from {{ ref('int_account_days') }}
),

starts as (
    select * from {{ ref('int_account_watch_starts') }}
),

features as (
    select * from {{ ref('product_features') }}
    where is_core
),

core_features as (
    select count(distinct feature) as core_feature_count
    from features
),

feature_days as (
    select
        event_days.account_id,
        features.feature,
        event_days.activity_date
    from event_days
    inner join features
        on event_days.event = features.event
    group by
        event_days.account_id,
        features.feature,
        event_days.activity_date
),

-- Breadth says nothing of a company none of whose core features sends events.
company as (
    select count(*) > 0 as has_features
    from feature_days
),

-- A feature is in use for 28 days from each day of its use.
feature_stretches as (
    select
        account_id,
        feature,
        activity_date as from_date,
        {{ add_days('activity_date', 28) }} as to_date
    from feature_days
),

in_use as (
    {{ merged_stretches('feature_stretches', ['account_id', 'feature']) }}
),

feature_changes as (
    select account_id, from_date as change_date, 1 as change
    from in_use
    union all
    select account_id, to_date, -1
    from in_use
    union all
    select starts.account_id, starts.watch_date, 0
    from starts
    cross join company
    where company.has_features
),

breadth as (
    select
        levels.*,
        core_features.core_feature_count
    from ({{ swept_levels('feature_changes', ['account_id']) }}) as levels
    cross join core_features
),

{%- set windows = {
    'cancel_page_visits_14d': 'cancel_page_visit_count', 'data_exports_14d': 'data_export_count'
} %}
{%- for signal, counted in windows.items() %}

{{ signal }}_changes as (
    select account_id, activity_date as change_date, {{ counted }} as change
    from account_days
    where {{ counted }} > 0
    union all
    select account_id, {{ add_days('activity_date', 14) }}, -{{ counted }}
    from account_days
    where {{ counted }} > 0
    union all
    select account_id, watch_date, 0
    from starts
),

{{ signal }}_levels as (
    {{ swept_levels(signal ~ '_changes', ['account_id']) }}
),
{%- endfor %}

final as (
    select account_id, {{ signal_columns('feature_breadth', ratio('level', 'core_feature_count')) }}
    from breadth
    union all
    select account_id, {{ signal_columns('unused_core_features', 'core_feature_count - level') }}
    from breadth
    {%- for signal in windows %}
    union all
    select account_id, {{ signal_columns(signal, 'level') }}
    from {{ signal }}_levels
    {%- endfor %}
)

select * from final
