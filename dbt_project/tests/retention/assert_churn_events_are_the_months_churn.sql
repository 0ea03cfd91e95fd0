-- The post-mortems, their sums by reason and by feedback, and the revenue mart tell of the same
-- churn.
with months as (
    select
        policy_id,
        month,
        churned_customers,
        -churn_mrr as mrr_lost
    from {{ ref('fct_mrr_by_month') }}
    where segment_type = 'all'
),

{% for mart, count in {
    'fct_churn_events': 'count(*)',
    'fct_churn_by_reason': 'sum(churned_customers)',
    'fct_churn_by_feedback': 'sum(churned_customers)',
}.items() -%}
{{ mart }}_sums as (
    select
        policy_id,
        month,
        {{ count }} as churned_customers,
        sum(mrr_lost) as mrr_lost
    from {{ ref(mart) }}
    group by
        policy_id,
        month
){{ ',' if not loop.last }}

{% endfor -%}
select months.*
from months
{%- for mart in ['fct_churn_events', 'fct_churn_by_reason', 'fct_churn_by_feedback'] %}
left join {{ mart }}_sums
    on months.policy_id = {{ mart }}_sums.policy_id
    and months.month = {{ mart }}_sums.month
{%- endfor %}
where {% for mart in ['fct_churn_events', 'fct_churn_by_reason', 'fct_churn_by_feedback'] -%}
    coalesce({{ mart }}_sums.churned_customers, 0) <> months.churned_customers
    or coalesce({{ mart }}_sums.mrr_lost, 0) <> months.mrr_lost
    {{ 'or ' if not loop.last }}
{%- endfor %}
