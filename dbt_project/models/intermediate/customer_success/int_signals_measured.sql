{{ config(materialized='view') }}

-- All signals but the health score, which is made of them: intervals in which a signal is known,
-- and its value (docs/signal_rules.md 1). One row per account, signal and interval [from_date,
-- to_date).
{% for family in [
    'activity', 'features', 'feedback', 'people', 'limits', 'onboarding', 'billing', 'contract',
    'returns',
] %}
select
    account_id,
    signal,
    from_date,
    to_date,
    value,
    slope,
    detail
from {{ ref('int_signals_' ~ family) }}
{{ 'union all' if not loop.last }}
{% endfor %}
