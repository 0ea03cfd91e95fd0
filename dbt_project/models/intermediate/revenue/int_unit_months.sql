-- Opening, movements and closing of every unit and month (docs/mrr_rules.md 9). One row per policy,
-- unit and month with opening or closing above 0, a unit that is present, or a movement.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

months as (
    select * from {{ ref('int_months') }}
),

stretches as (
    select * from {{ ref('int_unit_stretches') }}
),

closings as (
    select
        stretches.policy_id,
        stretches.unit_id,
        months.month,
        stretches.mrr as closing_mrr,
        1 as closing_units
    from stretches
    inner join months
        on stretches.from_date <= months.month_end_date
        and stretches.to_date > months.month_end_date
),

openings as (
    select
        closings.policy_id,
        closings.unit_id,
        months.month,
        closings.closing_mrr as opening_mrr
    from closings
    inner join months
        on {{ add_months('closings.month', 1) }} = months.month
),

moved as (
    select
        policy_id,
        unit_id,
        {{ first_of_month('movement_date') }} as month,
        {%- for type in ['new', 'reactivation', 'expansion', 'contraction', 'churn', 'fx'] %}
        sum(case when movement_type = '{{ type }}' then mrr_change else 0 end)
            as {{ type }}_mrr,
        {%- endfor %}
        sum(case when movement_type = 'churn' then 1 else 0 end) as churn_count
    from movements
    group by
        policy_id,
        unit_id,
        {{ first_of_month('movement_date') }}
),

keys as (
    select policy_id, unit_id, month from closings
    union
    select policy_id, unit_id, month from openings
    union
    select policy_id, unit_id, month from moved
),

final as (
    select
        keys.policy_id,
        keys.unit_id,
        keys.month,
        coalesce(openings.opening_mrr, 0) as opening_mrr,
        {%- for type in ['new', 'reactivation', 'expansion', 'contraction', 'churn', 'fx'] %}
        coalesce(moved.{{ type }}_mrr, 0) as {{ type }}_mrr,
        {%- endfor %}
        coalesce(closings.closing_mrr, 0) as closing_mrr,
        coalesce(moved.churn_count, 0) as churn_count,
        coalesce(closings.closing_units, 0) as closing_units,
        months.is_complete
    from keys
    inner join months
        on keys.month = months.month
    left join openings
        on keys.policy_id = openings.policy_id
        and keys.unit_id = openings.unit_id
        and keys.month = openings.month
    left join moved
        on keys.policy_id = moved.policy_id
        and keys.unit_id = moved.unit_id
        and keys.month = moved.month
    left join closings
        on keys.policy_id = closings.policy_id
        and keys.unit_id = closings.unit_id
        and keys.month = closings.month
)

select * from final
