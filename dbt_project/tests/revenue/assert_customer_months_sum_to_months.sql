-- Customers sum to the total, and so does every segment type (faults.md, invariant 3).
{%- set columns = [
    'opening_mrr', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr',
    'fx_mrr', 'closing_mrr',
] %}
{%- set counts = [
    'opening_customers', 'new_customers', 'reactivated_customers', 'churned_customers',
    'closing_customers',
] %}
with customers as (
    select
        policy_id,
        month,
        {%- for column in columns %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_by_customer_month') }}
    group by
        policy_id,
        month
),

segments as (
    select
        policy_id,
        month,
        segment_type,
        {%- for column in columns + counts %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_by_month') }}
    group by
        policy_id,
        month,
        segment_type
),

totals as (
    select * from segments
    where segment_type = 'all'
)

select
    coalesce(segments.policy_id, customers.policy_id) as policy_id,
    coalesce(segments.month, customers.month) as month,
    segments.segment_type
from segments
full outer join customers
    on segments.policy_id = customers.policy_id
    and segments.month = customers.month
left join totals
    on segments.policy_id = totals.policy_id
    and segments.month = totals.month
where {% for column in columns -%}
    coalesce(segments.{{ column }}, 0) <> coalesce(customers.{{ column }}, 0)
    or {% endfor -%}
    {% for column in counts -%}
    coalesce(segments.{{ column }}, 0) <> coalesce(totals.{{ column }}, 0)
    {{ 'or ' if not loop.last }}
{%- endfor %}
