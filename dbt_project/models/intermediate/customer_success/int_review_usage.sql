-- The sections of a quarterly review on use: how much, and what came out of it. One row per
-- customer and section.
with customers as (
    select * from {{ ref('int_customers_reviewed') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

meanings as (
    select * from {{ ref('event_meanings') }}
),

features as (
    select * from {{ ref('product_features') }}
),

steps as (
    select * from {{ ref('int_onboarding_steps') }}
    where is_first_value
),

used as (
    select
        customers.customer_id,
        event_days.activity_date >= customers.from_date as is_now,
        event_days.activity_date,
        event_days.user_id,
        event_days.event_count,
        features.feature,
        features.is_core
    from customers
    inner join accounts
        on customers.customer_id = accounts.customer_id
    inner join event_days
        on accounts.account_id = event_days.account_id
        and event_days.activity_date >= customers.earlier_from_date
    left join meanings
        on event_days.event = meanings.event
    left join features
        on event_days.event = features.event
    where coalesce(meanings.meaning, 'use') <> 'not_activity'
),

sums as (
    select
        customer_id,
        count(distinct case when is_now then activity_date end) as active_days,
        count(distinct case when not is_now then activity_date end) as active_days_before,
        count(distinct case when is_now then user_id end) as active_users,
        count(distinct case when not is_now then user_id end) as active_users_before,
        count(distinct case when is_now and is_core then feature end) as core_features
    from used
    group by customer_id
),

core_features as (
    select feature
    from features
    where is_core
    group by feature
),

feature_sums as (
    select
        customer_id,
        feature,
        sum(case when is_now then event_count else 0 end) as uses,
        sum(case when is_now then 0 else event_count end) as uses_before
    from used
    where is_core
    group by
        customer_id,
        feature
),

-- Every core feature, used or not: what is not used is what there is to talk about.
by_feature as (
    select
        customers.customer_id,
        count(*) as feature_count,
        sum(coalesce(feature_sums.uses, 0)) as uses,
        sum(coalesce(feature_sums.uses_before, 0)) as uses_before,
        {{ joined_text(
            "case when feature_sums.uses > 0 then replace(core_features.feature, '_', ' ') || ': '"
            ~ ' || ' ~ as_text('feature_sums.uses') ~ " || ' uses (' || "
            ~ as_text('feature_sums.uses_before') ~ " || ' before)' end",
            '\n', 'core_features.feature'
        ) }} as used_lines,
        {{ joined_text(
            'case when coalesce(feature_sums.uses, 0) = 0'
            ~ " then replace(core_features.feature, '_', ' ') end",
            ', ', 'core_features.feature'
        ) }} as unused_list
    from customers
    cross join core_features
    left join feature_sums
        on customers.customer_id = feature_sums.customer_id
        and core_features.feature = feature_sums.feature
    group by customers.customer_id
),

first_values as (
    select
        accounts.customer_id,
        min(steps.reached_date) as first_value_date
    from steps
    inner join accounts
        on steps.account_id = accounts.account_id
    group by accounts.customer_id
),

final as (
    select
        customers.customer_id,
        'usage' as section,
        'Active on ' || {{ as_text('coalesce(sums.active_days, 0)') }} || ' of '
        || {{ as_text('customers.days') }} || ' days, '
        || {{ as_text('coalesce(sums.active_days_before, 0)') }} || ' in the '
        || {{ as_text('customers.days') }} || ' before' as headline,
        'Users: ' || {{ as_text('coalesce(sums.active_users, 0)') }} || ' ('
        || {{ as_text('coalesce(sums.active_users_before, 0)') }} || ' before)'
        || {{ line_end() }} || 'Core features used: '
        || {{ as_text('coalesce(sums.core_features, 0)') }} || ' of '
        || {{ as_text('coalesce(by_feature.feature_count, 0)') }}
        || coalesce({{ line_end() }} || 'Not used: ' || by_feature.unused_list, '') as body
    from customers
    left join sums
        on customers.customer_id = sums.customer_id
    left join by_feature
        on customers.customer_id = by_feature.customer_id
    union all
    select
        customers.customer_id,
        'value_delivered',
        {{ as_text('coalesce(by_feature.uses, 0)') }} || ' uses of core features, '
        || {{ as_text('coalesce(by_feature.uses_before, 0)') }} || ' in the '
        || {{ as_text('customers.days') }} || ' days before',
        coalesce(
            'First value on: ' || {{ as_text('first_values.first_value_date') }},
            'First value: not seen yet'
        )
        || coalesce({{ line_end() }} || by_feature.used_lines, '')
    from customers
    left join by_feature
        on customers.customer_id = by_feature.customer_id
    left join first_values
        on customers.customer_id = first_values.customer_id
)

select * from final
