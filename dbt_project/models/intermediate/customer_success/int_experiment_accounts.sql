-- The KPI of every account of an experiment before and after, in the KPI's own unit. One row per
-- experiment and account of one variant; a value is null where the account has none.
with members as (
    select
        *,
        after_to_date <= {{ add_days(as_of_date(), 1) }} as is_observed
    from {{ ref('int_experiment_members') }}
    where not is_contaminated
),

customer_units as (
    select * from {{ ref('int_unit_customers') }}
    where policy_id = '{{ var("official_policy") }}'
),

stretches as (
    select * from {{ ref('int_unit_stretches') }}
    where policy_id = '{{ var("official_policy") }}'
),

event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
),

meanings as (
    select * from {{ ref('event_meanings') }}
),

-- Features and meanings are told apart by the same words as everywhere else.
features as (
    select
        event,
        feature
    from {{ ref('product_features') }}
    where is_core
),

feature_counts as (
    select count(distinct feature) as feature_count
    from features
),

answers as (
    select * from {{ ref('stg_survey__nps_responses') }}
),

periods as (
    select
        experiment_id,
        account_id,
        customer_id,
        kpi,
        'before' as period,
        before_from_date as from_date,
        treated_from_date as to_date,
        treated_from_date as judged_date,
        before_days as day_count
    from members
    union all
    select
        experiment_id,
        account_id,
        customer_id,
        kpi,
        'after',
        after_from_date,
        after_to_date,
        {{ add_days('after_to_date', -1) }},
        after_days
    from members
    where is_observed
),

paid as (
    select
        periods.experiment_id,
        periods.account_id,
        periods.period,
        -- MRR times days: a sum of exact values, divided once.
        sum(
            stretches.mrr * greatest(
                {{ days_between(
                    'greatest(stretches.from_date, periods.from_date)',
                    'least(stretches.to_date, periods.to_date)'
                ) }}, 0
            )
        ) as mrr_days,
        max(
            case
                when periods.judged_date >= stretches.from_date
                    and periods.judged_date < stretches.to_date
                    then 1
                else 0
            end
        ) as is_paying
    from periods
    inner join customer_units
        on periods.customer_id = customer_units.customer_id
    inner join stretches
        on customer_units.policy_id = stretches.policy_id
        and customer_units.unit_id = stretches.unit_id
        and stretches.from_date <= greatest(periods.judged_date, periods.to_date)
        and stretches.to_date > periods.from_date
    where periods.kpi in ('mrr', 'logo_retention')
    group by
        periods.experiment_id,
        periods.account_id,
        periods.period
),

used as (
    select
        periods.experiment_id,
        periods.account_id,
        periods.period,
        count(distinct event_days.activity_date) as active_days,
        count(distinct features.feature) as features_used
    from periods
    inner join event_days
        on periods.account_id = event_days.account_id
        and event_days.activity_date >= periods.from_date
        and event_days.activity_date < periods.to_date
    left join meanings
        on event_days.event = meanings.event
    left join features
        on event_days.event = features.event
    where periods.kpi in ('active_days', 'feature_breadth')
        and coalesce(meanings.meaning, 'use') <> 'not_activity'
    group by
        periods.experiment_id,
        periods.account_id,
        periods.period
),

answered as (
    select
        periods.experiment_id,
        periods.account_id,
        periods.period,
        sum(answers.score) as score_sum,
        count(*) as answer_count
    from periods
    inner join answers
        on periods.account_id = answers.account_id
        and answers.responded_date >= periods.from_date
        and answers.responded_date < periods.to_date
    where periods.kpi = 'nps'
    group by
        periods.experiment_id,
        periods.account_id,
        periods.period
),

valued as (
    select
        periods.experiment_id,
        periods.account_id,
        periods.period,
        cast(
            case periods.kpi
                when 'mrr'
                    then coalesce(paid.mrr_days, 0) * cast(1 as double) / periods.day_count
                when 'logo_retention' then coalesce(paid.is_paying, 0)
                when 'active_days'
                    then coalesce(used.active_days, 0) * 28 * cast(1 as double) / periods.day_count
                when 'feature_breadth'
                    then coalesce(used.features_used, 0) * cast(1 as double)
                    / nullif(feature_counts.feature_count, 0)
                when 'nps' then answered.score_sum * cast(1 as double) / answered.answer_count
            end as double
        ) as kpi_value
    from periods
    cross join feature_counts
    left join paid
        on periods.experiment_id = paid.experiment_id
        and periods.account_id = paid.account_id
        and periods.period = paid.period
    left join used
        on periods.experiment_id = used.experiment_id
        and periods.account_id = used.account_id
        and periods.period = used.period
    left join answered
        on periods.experiment_id = answered.experiment_id
        and periods.account_id = answered.account_id
        and periods.period = answered.period
),

final as (
    select
        members.experiment_id,
        members.account_id,
        members.kpi,
        members.variant,
        members.is_observed,
        max(case when valued.period = 'before' then valued.kpi_value end) as before_value,
        max(case when valued.period = 'after' then valued.kpi_value end) as after_value
    from members
    left join valued
        on members.experiment_id = valued.experiment_id
        and members.account_id = valued.account_id
    group by
        members.experiment_id,
        members.account_id,
        members.kpi,
        members.variant,
        members.is_observed
)

select * from final
