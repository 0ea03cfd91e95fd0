-- closed + Σ restatements = current, to the cent, for every part of every customer's closed month:
-- a closed figure that changes without a restatement has changed silently.
with compared as (
    select
        closes.close_id,
        closes.month,
        close_policies.policy_id
    from {{ ref('stg_control__closes') }} as closes
    inner join {{ ref('stg_control__close_policies') }} as close_policies
        on closes.close_id = close_policies.close_id
    where closes.is_in_force
        and not closes.is_requested
        and close_policies.policy_id in ('{{ var("enabled_policies") | join("', '") }}')
),

closed as (
    select * from {{ ref('fct_mrr_closed_periods') }}
),

restated as (
    select
        close_id,
        policy_id,
        customer_id,
        {%- for part in mrr_parts()[:-1] %}
        sum({{ part }}_difference) as {{ part }}_mrr,
        {%- endfor %}
        sum(difference) as closing_mrr
    from {{ ref('fct_mrr_restatements') }}
    group by
        close_id,
        policy_id,
        customer_id
),

as_restated as (
    select
        coalesce(closed.close_id, restated.close_id) as close_id,
        coalesce(closed.policy_id, restated.policy_id) as policy_id,
        coalesce(closed.customer_id, restated.customer_id) as customer_id,
        {%- for part in mrr_parts() %}
        coalesce(closed.{{ part }}_mrr, 0) + coalesce(restated.{{ part }}_mrr, 0)
            as {{ part }}_mrr{{ ',' if not loop.last }}
        {%- endfor %}
    from closed
    full outer join restated
        on closed.close_id = restated.close_id
        and closed.policy_id = restated.policy_id
        and closed.customer_id = restated.customer_id
),

as_restated_now as (
    select
        as_restated.*,
        compared.month
    from as_restated
    inner join compared
        on as_restated.close_id = compared.close_id
        and as_restated.policy_id = compared.policy_id
),

now as (
    select
        compared.close_id,
        figures.*
    from {{ ref('fct_mrr_by_customer_month') }} as figures
    inner join compared
        on figures.month = compared.month
        and figures.policy_id = compared.policy_id
)

select
    coalesce(as_restated_now.close_id, now.close_id) as close_id,
    coalesce(as_restated_now.policy_id, now.policy_id) as policy_id,
    coalesce(as_restated_now.customer_id, now.customer_id) as customer_id,
    as_restated_now.closing_mrr as closed_and_restated_mrr,
    now.closing_mrr as current_mrr
from as_restated_now
full outer join now
    on as_restated_now.close_id = now.close_id
    and as_restated_now.policy_id = now.policy_id
    and as_restated_now.customer_id = now.customer_id
where {% for part in mrr_parts() -%}
    {{ 'or ' if not loop.first }}coalesce(as_restated_now.{{ part }}_mrr, 0)
    <> coalesce(now.{{ part }}_mrr, 0)
{% endfor %}
