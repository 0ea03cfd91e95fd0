-- Gross margin that every unit brought, month by month, to cents. One row per policy, unit and
-- month with MRR at its end.
with unit_months as (
    select * from {{ ref('int_unit_months') }}
    where closing_units > 0
),

margins as (
    select * from {{ ref('int_gross_margins') }}
),

lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
),

final as (
    select
        unit_months.policy_id,
        unit_months.unit_id,
        lifecycles.cohort_month,
        unit_months.month,
        unit_months.closing_mrr,
        coalesce({{ margin_of('unit_months.closing_mrr', 'margins.gross_margin') }}, 0) as margin,
        unit_months.is_complete
    from unit_months
    inner join margins
        on unit_months.policy_id = margins.policy_id
        and unit_months.month = margins.month
    inner join lifecycles
        on unit_months.policy_id = lifecycles.policy_id
        and unit_months.unit_id = lifecycles.unit_id
)

select * from final
