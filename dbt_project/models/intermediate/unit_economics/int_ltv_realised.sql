-- What the customers won so far have brought. One row per policy and segment (the cohort month
-- is one more), as of the as-of date.
with lifetimes as (
    select * from {{ ref('int_unit_lifetimes') }}
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

with_segments as (
    select
        lifetimes.*,
        {%- for segment in segment_types() %}
        segments.{{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from lifetimes
    inner join segments
        on lifetimes.policy_id = segments.policy_id
        and lifetimes.unit_id = segments.unit_id
),

final as (
    select
        policy_id,
        {{ segment_columns() }},
        count(*) as customers,
        sum(realised_margin) as realised_margin
    from with_segments
    group by {{ by_segment(['policy_id']) }}
    union all
    select
        policy_id,
        'cohort_month' as segment_type,
        cast(cohort_month as {{ dbt.type_string() }}) as segment_value,
        count(*) as customers,
        sum(realised_margin) as realised_margin
    from with_segments
    group by
        policy_id,
        cohort_month
)

select * from final
