-- One word for one thing: what the lists say of a customer with one account is that account's
-- signal.
{% set figures = {
    'silent_days': 'silent_days',
    'active_days_28d': 'active_days_28d',
    'tickets_open': 'open_tickets',
    'nps_latest': 'latest_score',
    'champion_count': 'champion_count',
    'tenure_days': 'tenure_days',
} %}
with signals as (
    select * from {{ ref('fct_customer_signals') }}
    where is_latest
),

customers as (
    select
        profiles.*,
        count(*) over (partition by profiles.customer_id) as accounts
    from {{ ref('int_customers_profiled') }} as profiles
    inner join {{ ref('int_accounts') }} as accounts
        on profiles.customer_id = accounts.customer_id
    where profiles.status = 'paying'
)

select
    customers.customer_id,
    signals.signal,
    signals.value
from customers
inner join signals
    on customers.account_id = signals.account_id
where customers.accounts = 1
    and signals.value <> case signals.signal
        {%- for signal, column in figures.items() %}
        when '{{ signal }}' then customers.{{ column }}
        {%- endfor %}
    end
