with targets as (
    select * from {{ ref('targets') }}
),

metric_values as (
    select * from {{ ref('fct_metric_values_by_period') }}
),

compared as (
    select
        metric_values.policy_id,
        targets.target_key,
        targets.metric,
        targets.segment_type,
        targets.segment_value,
        targets.period_type,
        metric_values.period_start,
        metric_values.value,
        metric_values.numerator,
        metric_values.denominator,
        metric_values.low,
        metric_values.high,
        targets.better,
        targets.target,
        targets.acceptable_low,
        targets.acceptable_high,
        coalesce(metric_values.value < targets.acceptable_low, false) as is_too_low,
        coalesce(metric_values.value > targets.acceptable_high, false) as is_too_high,
        case targets.better
            when 'lower' then metric_values.value <= targets.target
            else metric_values.value >= targets.target
        end as is_met,
        targets.owner,
        metric_values.is_small_sample,
        metric_values.is_complete
    from targets
    inner join metric_values
        on targets.metric = metric_values.metric
        and targets.segment_type = metric_values.segment_type
        and targets.segment_value = metric_values.segment_value
        and targets.period_type = metric_values.period_type
        and metric_values.period_start >= targets.valid_from
        and metric_values.period_start < coalesce(targets.valid_to, {{ end_of_time() }})
),

final as (
    select
        policy_id,
        target_key,
        metric,
        segment_type,
        segment_value,
        period_type,
        period_start,
        value,
        numerator,
        denominator,
        better,
        target,
        acceptable_low,
        acceptable_high,
        case
            when value is null then 'no_value'
            when is_too_low or is_too_high then 'alarm'
            when is_met is null then 'no_target'
            when is_met then 'on_target'
            else 'off_target'
        end as status,
        -- An alarm that the interval does not bear out may be chance.
        case
            when is_too_low then high < acceptable_low
            when is_too_high then low > acceptable_high
        end as is_beyond_chance,
        owner,
        is_small_sample,
        is_complete
    from compared
)

select * from final
