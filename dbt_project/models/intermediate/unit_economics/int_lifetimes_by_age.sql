-- Lifetimes counted by age in months, for the fits (docs/unit_economics_rules.md 7). One row per
-- policy, segment (the cohort month is one more) and age at which a unit was lost, was last seen
-- or is active.
with lifetimes as (
    select * from {{ ref('int_unit_lifetimes') }}
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

-- A unit is at its last period for the fit, and, while it is active, at the age it has reached.
counted as (
    select
        policy_id,
        unit_id,
        cohort_month,
        last_period as age,
        case when is_lost then 1 else 0 end as lost,
        case when is_lost then 0 else 1 end as kept,
        0 as active,
        0 as active_margin
    from lifetimes
    union all
    select
        policy_id,
        unit_id,
        cohort_month,
        completed_periods as age,
        0 as lost,
        0 as kept,
        1 as active,
        current_margin as active_margin
    from lifetimes
    where is_present
),

with_segments as (
    select
        counted.*,
        {%- for segment in segment_types() %}
        segments.{{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from counted
    inner join segments
        on counted.policy_id = segments.policy_id
        and counted.unit_id = segments.unit_id
),

summed as (
    select
        policy_id,
        {{ segment_columns() }},
        age,
        sum(lost) as lost,
        sum(kept) as kept,
        sum(active) as active,
        sum(active_margin) as active_margin
    from with_segments
    group by {{ by_segment(['policy_id', 'age']) }}
    union all
    select
        policy_id,
        'cohort_month' as segment_type,
        cast(cohort_month as {{ dbt.type_string() }}) as segment_value,
        age,
        sum(lost) as lost,
        sum(kept) as kept,
        sum(active) as active,
        sum(active_margin) as active_margin
    from with_segments
    group by
        policy_id,
        cohort_month,
        age
),

final as (
    select
        policy_id,
        segment_type,
        segment_value,
        age,
        cast(lost as bigint) as lost,
        cast(kept as bigint) as kept,
        cast(active as bigint) as active,
        cast(active_margin as decimal(18, 2)) as active_margin,
        {{ monthly_discount_e9() }} / 1e9 as monthly_discount_rate
    from summed
)

select * from final
