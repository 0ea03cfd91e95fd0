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

-- All of it side by side and brought together by one aggregation: a set of keys, and five joins to
-- it, would each be as large as the result.
parts as (
    {% for instant in ['start', 'end', 'base'] -%}
    select
        policy_id,
        unit_id,
        period_type,
        period_start,
        '{{ instant }}' as part,
        mrr,
        cast(null as {{ dbt.type_string() }}) as first_arrival_type,
        cast(null as {{ dbt.type_string() }}) as last_churn_type,
        null as fx_mrr
    from at_{{ instant }}
    union all
    {% endfor -%}
    select
        policy_id,
        unit_id,
        period_type,
        period_start,
        'moved',
        null,
        first_arrival_type,
        last_churn_type,
        fx_mrr
    from moved
    union all
    select
        policy_id,
        unit_id,
        period_type,
        period_start,
        'arrived since base',
        null,
        first_arrival_type,
        null,
        null
    from arrived_since_base
),

final as (
    select
        policy_id,
        period_type,
        period_start,
        unit_id,
        {%- for instant in ['start', 'end', 'base'] %}
        max(case when part = '{{ instant }}' then 1 else 0 end) = 1 as is_at_{{ instant }},
        coalesce(max(case when part = '{{ instant }}' then mrr end), 0) as mrr_{{ instant }},
        {%- endfor %}
        max(case when part = 'moved' then first_arrival_type end) as first_arrival_type,
        max(case when part = 'arrived since base' then first_arrival_type end)
            as first_arrival_type_since_base,
        max(last_churn_type) as last_churn_type,
        coalesce(max(fx_mrr), 0) as fx_mrr
    from parts
    group by
        policy_id,
        period_type,
        period_start,
        unit_id
    -- Who only moved within the period, and did not come in it, was there on none of the days.
    having max(
        case
            when part in ('start', 'end', 'base') then 1
            when part = 'moved' and first_arrival_type is not null then 1
            else 0
        end
    ) = 1
)

select * from final
