-- What became of every unit of a cohort, month by month. One row per policy, unit and month since
-- its first MRR in which it is present (metrics.md 5).
with lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
),

unit_months as (
    select * from {{ ref('int_unit_months') }}
),

units as (
    select * from {{ ref('int_units') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

members as (
    select
        lifecycles.policy_id,
        lifecycles.unit_id,
        lifecycles.cohort_month,
        coalesce(first_months.closing_mrr, 0) as mrr_initial,
        {%- for segment in segment_types() %}
        {% if segment == 'cohort_year' -%}
            cast(extract(year from lifecycles.cohort_month) as {{ dbt.type_string() }})
        {%- else -%}
            coalesce(customers.{{ segment }}, 'unknown')
        {%- endif %} as {{ segment }}{{ ',' if not loop.last }}
        {%- endfor %}
    from lifecycles
    inner join units
        on lifecycles.policy_id = units.policy_id
        and lifecycles.unit_id = units.unit_id
    left join customers
        on units.customer_id = customers.customer_id
    left join unit_months as first_months
        on lifecycles.policy_id = first_months.policy_id
        and lifecycles.unit_id = first_months.unit_id
        and lifecycles.cohort_month = first_months.month
    where lifecycles.cohort_month is not null
),

final as (
    select
        members.*,
        unit_months.month,
        {{ months_between_firsts('members.cohort_month', 'unit_months.month') }} as months_since,
        unit_months.closing_mrr as mrr_active,
        least(unit_months.closing_mrr, members.mrr_initial) as gross_mrr_active,
        unit_months.closing_units as customers_active,
        case
            when sum(unit_months.churn_count) over (
                partition by members.policy_id, members.unit_id order by unit_months.month
            ) = 0 then 1
            else 0
        end as customers_never_lost
    from members
    inner join unit_months
        on members.policy_id = unit_months.policy_id
        and members.unit_id = unit_months.unit_id
    where unit_months.month >= members.cohort_month
)

select * from final
