-- The health scores as they were first published: rows are added, those of past days never change
-- (docs/signal_rules.md 5). The first run begins with the ends of past months, replayed by its
-- configuration. One row per account and day.
{% set previous = previous_version() %}
{% set columns = [
    'account_id', 'customer_id', 'as_of_date', 'is_replayed', 'score', 'coverage', 'colour',
    'health_version_id', 'score_change_30d', 'reason_1', 'reason_1_cost', 'reason_2',
    'reason_2_cost', 'reason_3', 'reason_3_cost',
] %}
{% if previous is not none %}
    {#- What an older release did not know yet is null of its days. #}
    {% set known = adapter.get_columns_in_relation(previous) | map(attribute='name') | list %}
{% endif %}
with seen as (
    select * from {{ ref('int_health_seen') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

-- 30 days before, by the same configuration: what changed is the account, not the weights.
earlier as (
    select
        account_id,
        score
    from seen
    where seen_date = {{ add_days(as_of_date(), -30) }}
),

fresh as (
    select
        seen.account_id,
        accounts.customer_id,
        seen.seen_date as as_of_date,
        not seen.is_latest as is_replayed,
        seen.score,
        seen.coverage,
        seen.colour,
        seen.health_version_id,
        case when seen.is_latest then seen.score - earlier.score end as score_change_30d,
        seen.reason_1,
        seen.reason_1_cost,
        seen.reason_2,
        seen.reason_2_cost,
        seen.reason_3,
        seen.reason_3_cost
    from seen
    inner join accounts
        on seen.account_id = accounts.account_id
    left join earlier
        on seen.account_id = earlier.account_id
    where seen.is_latest
    {%- if previous is none %}
        or seen.is_month_end
    {%- endif %}
),

{%- if previous is not none %}

published as (
    select
        {%- for column in columns %}
        {{ column if column in known else 'null as ' ~ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ previous }}
),

-- The day's own snapshot may be renewed while no later one has been made.
last_day_published as (
    select max(as_of_date) as last_date
    from published
),

kept as (
    select published.*
    from published
    cross join last_day_published
    where published.as_of_date <> {{ as_of_date() }}
        or last_day_published.last_date > {{ as_of_date() }}
),

kept_days as (
    select as_of_date
    from kept
    group by as_of_date
),
{%- endif %}

final as (
    {%- if previous is not none %}
    select {{ columns | join(', ') }}
    from kept
    union all
    select {{ columns | map('replace', '', 'fresh.', 1) | join(', ') }}
    from fresh
    left join kept_days
        on fresh.as_of_date = kept_days.as_of_date
    where kept_days.as_of_date is null
    {%- else %}
    select * from fresh
    {%- endif %}
)

select * from final
