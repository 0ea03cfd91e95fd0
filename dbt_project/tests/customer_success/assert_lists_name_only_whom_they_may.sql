-- Who was deleted, has left or wished not to be approached is on no list; nobody is worth less than
-- nothing.
{% set lists = {
    'loyalty': 'fct_loyalty_candidates',
    'advocates': 'fct_advocacy_candidates',
    'silent_customers': 'fct_silent_customers',
    'champion_candidates': 'fct_champion_candidates',
    'expiring_cards': 'fct_expiring_cards',
} %}
with listed as (
    {%- for list_key, mart in lists.items() %}
    select '{{ list_key }}' as list_key, customer_id, current_mrr
    from {{ ref(mart) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

everybody as (
    select list_key, customer_id from listed
    union all
    select 'winback', customer_id from {{ ref('fct_winback_candidates') }}
    union all
    select audience, customer_id from {{ ref('fct_audiences') }}
    union all
    select 'trial_followups', customer_id from {{ ref('fct_trial_followups') }}
)

select everybody.list_key, everybody.customer_id, 'deleted' as fault
from everybody
left join {{ ref('dim_customers') }} as customers
    on everybody.customer_id = customers.customer_id
where coalesce(customers.is_deleted, true)
union all
select everybody.list_key, everybody.customer_id, 'opted_out'
from everybody
inner join {{ ref('int_opt_outs') }} as opt_outs
    on opt_outs.subject_type = 'customer'
    and everybody.customer_id = opt_outs.subject_id
    and opt_outs.list_key in (everybody.list_key, 'all')
union all
select listed.list_key, listed.customer_id, 'does_not_pay'
from listed
inner join {{ ref('dim_customers') }} as customers
    on listed.customer_id = customers.customer_id
where customers.status <> 'paying'
    or listed.current_mrr < 0
