with source as (
    select *
    from {{ source('success', 'experiments') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as experiment_id,
        -- strings
        name as experiment_name,
        hypothesis,
        kpi,
        -- numerics
        pre_period_days,
        post_period_days,
        expected_target_share,
        -- dates
        started_on,
        ended_on,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at
    from source
    group by all
),

dated as (
    select
        *,
        {{ local_date('version_at') }} as version_date
    from typed
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
versioned as (
    select
        *,
        {{ version_columns('experiment_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('experiment_id', [
        'experiment_name', 'hypothesis', 'kpi', 'started_on', 'ended_on', 'pre_period_days',
        'post_period_days', 'expected_target_share'
    ]) }}
),

final as (
    select
        experiment_id,
        experiment_name,
        hypothesis,
        kpi,
        pre_period_days,
        post_period_days,
        expected_target_share,
        started_on,
        ended_on,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
