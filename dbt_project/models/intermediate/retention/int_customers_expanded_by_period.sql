-- How many customers of a period's start bought more in it: had an expansion. One row per policy
-- and period.
with ends as (
    select * from {{ ref('int_unit_period_ends') }}
    where is_at_start
),

periods as (
    select * from {{ ref('int_periods') }}
),

expansions as (
    select
        policy_id,
        unit_id,
        movement_date
    from {{ ref('int_mrr_movements_typed') }}
    where movement_type = 'expansion'
),

expanded as (
    select
        expansions.policy_id,
        expansions.unit_id,
        periods.period_type,
        periods.period_start
    from expansions
    inner join periods
        on expansions.movement_date > periods.start_date
        and expansions.movement_date <= periods.end_date
    group by
        expansions.policy_id,
        expansions.unit_id,
        periods.period_type,
        periods.period_start
),

final as (
    select
        ends.policy_id,
        ends.period_type,
        ends.period_start,
        count(*) as customers_start,
        count(expanded.unit_id) as customers_expanded
    from ends
    left join expanded
        on ends.policy_id = expanded.policy_id
        and ends.unit_id = expanded.unit_id
        and ends.period_type = expanded.period_type
        and ends.period_start = expanded.period_start
    group by
        ends.policy_id,
        ends.period_type,
        ends.period_start
)

select * from final
