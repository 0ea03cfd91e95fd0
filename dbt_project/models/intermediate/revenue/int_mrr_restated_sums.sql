-- What earlier releases restated, added up. One row per close, policy and customer.
select
    close_id,
    policy_id,
    customer_id,
    {%- for part in mrr_parts() %}
    sum({{ part }}_mrr) as {{ part }}_mrr{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('stg_control__restatements') }}
group by
    close_id,
    policy_id,
    customer_id
