{#
    The switches of a metric policy (metrics.md 3), in the order of the policy table, which is the
    order of the ladder's steps. `level` switches move MRR itself, `series` ones whose it is, on
    which days it shows and what it is worth in the reporting currency; the rest say how its
    changes are read.
#}
{% macro policy_level_switches() -%}
    {{ return([
        'mrr_basis', 'counted_statuses', 'past_due_grace_days', 'paused', 'discounts', 'metered',
        'refunds', 'churn_at', 'week_factor', 'day_factor',
    ]) }}
{%- endmacro %}

{% macro policy_series_switches() -%}
    {{ return(['zero_mrr_customer', 'grain', 'movement_grain', 'fx', 'constant_fx_date']) }}
{%- endmacro %}

{#
    The switches that can move a customer's MRR of a month: the steps of the ladder, in the
    table's order.
#}
{% macro policy_ladder_switches() -%}
    {{ return([
        'mrr_basis', 'counted_statuses', 'past_due_grace_days', 'paused', 'discounts', 'metered',
        'refunds', 'churn_at', 'grain', 'movement_grain', 'week_factor', 'day_factor', 'fx',
    ]) }}
{%- endmacro %}

{% macro policy_columns() -%}
    {{ return([
        'policy_id', 'name', 'mrr_basis', 'counted_statuses', 'past_due_grace_days', 'paused',
        'discounts', 'metered', 'refunds', 'churn_at', 'zero_mrr_customer', 'grain',
        'movement_grain', 'reactivation_window_days', 'same_month_new_and_churn', 'week_factor',
        'day_factor', 'fx', 'constant_fx_date', 'churn_rate_base', 'churn_rate_excludes_new',
        'reactivation_in_nrr', 'nrr_base', 'grr_cap', 'ltv_method', 'as_of', 'source', 'note',
    ]) }}
{%- endmacro %}

{# Is a status in the policy's list (`active|past_due`)? #}
{% macro counts_status(status) -%}
    ('|' || counted_statuses || '|' like '%|{{ status }}|%')
{%- endmacro %}

{# Numerator and denominator, both whole, of a factor written as `52/12` or `4.33`. #}
{% macro factor_numerator(factor) -%}
    cast(
        replace(split_part({{ factor }}, '/', 1), '.', '')
        || repeat('0', length(split_part(split_part({{ factor }}, '/', 2), '.', 2))) as bigint
    )
{%- endmacro %}

{% macro factor_denominator(factor) -%}
    cast(
        coalesce(nullif(replace(split_part({{ factor }}, '/', 2), '.', ''), ''), '1')
        || repeat('0', length(split_part(split_part({{ factor }}, '/', 1), '.', 2))) as bigint
    )
{%- endmacro %}

{# The day on which a change shows in a policy's series: month ends only, or the day itself. #}
{% macro effective_date(date, policies) -%}
    case
        when {{ policies }}.movement_grain = 'month_end' then {{ month_end_seen(date) }}
        else {{ date }}
    end
{%- endmacro %}

{#
    The day whose exchange rates value a policy's MRR of a day (docs/mrr_rules.md 7).
    `changed_date` is the last day, up to `date`, on which the currency's amount changed.
#}
{% macro valuation_date(policies, date, changed_date, first_rate_date) -%}
    case {{ policies }}.fx
        when 'period_end' then {{ month_end_seen(date) }}
        when 'constant' then coalesce({{ policies }}.constant_fx_date, {{ first_rate_date }})
        else {{ changed_date }}
    end
{%- endmacro %}

{#
    The unit that a policy counts a row for (docs/mrr_rules.md 6): its customer, its subscription
    (the customer, where a line names none) or the parent account. `rows` has customer_id and
    subscription_id; `policies`, which has the grain, and `parents` (int_customer_parents) are
    joined to it.
#}
{% macro unit_of(rows, policies='policies') -%}
    case {{ policies }}.grain
        when 'subscription' then coalesce({{ rows }}.subscription_id, {{ rows }}.customer_id)
        when 'parent_account'
            then coalesce(parents.parent_unit_id, {{ rows }}.customer_id)
        else {{ rows }}.customer_id
    end
{%- endmacro %}
