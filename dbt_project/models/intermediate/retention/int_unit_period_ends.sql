-- Where a unit stood at the two ends of a period and on the day that revenue retention compares
-- with, and what moved in between (docs/retention_rules.md 1 to 3). One row per policy, period
-- and unit that was there on one of these days or came in the period.
with stretches as (
    select * from {{ ref('int_unit_stretches') }}
),

movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

causes as (
    select * from {{ ref('int_mrr_churn_causes') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

policy_periods as (
    select
        policies.policy_id,
        periods.*,
        case policies.nrr_base
            when 'twelve_months_ago' then periods.year_before_date
            else periods.start_date
        end as base_date
    from policies
    cross join periods
),

{% for instant in ['start', 'end', 'base'] -%}
at_{{ instant }} as (
    select
        policy_periods.policy_id,
        stretches.unit_id,
        policy_periods.period_type,
        policy_periods.period_start,
        stretches.mrr
    from policy_periods
    inner join stretches
        on policy_periods.policy_id = stretches.policy_id
        and policy_periods.{{ instant }}_date >= stretches.from_date
        and policy_periods.{{ instant }}_date < stretches.to_date
),

{% endfor -%}
moved as (
    select
        policy_periods.policy_id,
        movements.unit_id,
        policy_periods.period_type,
        policy_periods.period_start,
        min_by(
            case when movements.movement_type in ('new', 'reactivation')
                then movements.movement_type end,
            case when movements.movement_type in ('new', 'reactivation')
                then movements.movement_date end
        ) as first_arrival_type,
        max_by(
            coalesce(causes.churn_type, 'voluntary'),
            case when movements.movement_type = 'churn' then movements.movement_date end
        ) as last_churn_type,
        sum(case when movements.movement_type = 'fx' then movements.mrr_change else 0 end)
            as fx_mrr
    from movements
    inner join policy_periods
        on movements.policy_id = policy_periods.policy_id
        and movements.movement_date > policy_periods.start_date
        and movements.movement_date <= policy_periods.end_date
    left join causes
        on movements.movement_id = causes.movement_id
    group by
        policy_periods.policy_id,
        movements.unit_id,
        policy_periods.period_type,
        policy_periods.period_start
),

arrived_since_base as (
    select
        policy_periods.policy_id,
        movements.unit_id,
        policy_periods.period_type,
        policy_periods.period_start,
        min_by(movements.movement_type, movements.movement_date) as first_arrival_type
    from movements
    inner join policy_periods
        on movements.policy_id = policy_periods.policy_id
        and movements.movement_date > policy_periods.base_date
        and movements.movement_date <= policy_periods.end_date
    where movements.movement_type in ('new', 'reactivation')
    group by
        policy_periods.policy_id,
        movements.unit_id,
        policy_periods.period_type,
        policy_periods.period_start
),

keys as (
    {% for instant in ['start', 'end', 'base'] -%}
    select policy_id, unit_id, period_type, period_start from at_{{ instant }}
    union
    {% endfor -%}
    select policy_id, unit_id, period_type, period_start from moved
    where first_arrival_type is not null
),

final as (
    select
        keys.policy_id,
        keys.period_type,
        keys.period_start,
        keys.unit_id,
        {%- for instant in ['start', 'end', 'base'] %}
        at_{{ instant }}.unit_id is not null as is_at_{{ instant }},
        coalesce(at_{{ instant }}.mrr, 0) as mrr_{{ instant }},
        {%- endfor %}
        moved.first_arrival_type,
        arrived_since_base.first_arrival_type as first_arrival_type_since_base,
        moved.last_churn_type,
        coalesce(moved.fx_mrr, 0) as fx_mrr
    from keys
    {%- for relation in ['at_start', 'at_end', 'at_base', 'moved', 'arrived_since_base'] %}
    left join {{ relation }}
        on keys.policy_id = {{ relation }}.policy_id
        and keys.unit_id = {{ relation }}.unit_id
        and keys.period_type = {{ relation }}.period_type
        and keys.period_start = {{ relation }}.period_start
    {%- endfor %}
)

select * from final
