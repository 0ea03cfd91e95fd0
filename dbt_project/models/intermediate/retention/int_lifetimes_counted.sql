-- How long units have lived, as counts (docs/retention_rules.md 6). One row per policy, segment,
-- length in days and outcome: ended by churn, or going on (censored).
with lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

lifetimes as (
    select
        segments.*,
        not lifecycles.is_present as is_ended,
        case
            when lifecycles.is_present
                then {{ days_between('lifecycles.first_paid_date', add_days(as_of_date(), 1)) }}
            else {{ days_between('lifecycles.first_paid_date', 'lifecycles.churned_date') }}
        end as lifetime_days
    from lifecycles
    inner join segments
        on lifecycles.policy_id = segments.policy_id
        and lifecycles.unit_id = segments.unit_id
    where lifecycles.first_paid_date is not null
),

final as (
    select
        policy_id,
        {{ segment_columns() }},
        lifetime_days,
        is_ended,
        count(*) as lifetimes
    from lifetimes
    group by {{ by_segment(['policy_id', 'lifetime_days', 'is_ended']) }}
)

select * from final
