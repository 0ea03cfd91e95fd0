-- Every customer is in one member of each segment type: members sum to the total
-- (faults.md, invariant 3).
{%- set columns = [
    'customers_start', 'customers_won', 'customers_lost', 'customers_end', 'mrr_start', 'mrr_end',
    'churn_mrr', 'involuntary_churn_mrr', 'expansion_mrr', 'retained_mrr', 'retention_base_mrr',
] %}
with totals as (
    select
        policy_id,
        period_type,
        period_start,
        segment_type,
        {%- for column in columns %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_retention_by_period') }}
    group by
        policy_id,
        period_type,
        period_start,
        segment_type
)

select cut.*
from totals as cut
inner join totals as whole
    on cut.policy_id = whole.policy_id
    and cut.period_type = whole.period_type
    and cut.period_start = whole.period_start
    and whole.segment_type = 'all'
where {% for column in columns -%}
    cut.{{ column }} <> whole.{{ column }}
    {{ 'or ' if not loop.last }}
{%- endfor %}
