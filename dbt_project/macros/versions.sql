{#
    Rows that this run may use: loaded by `known_at` where one is set ("what did we know then").
#}
{% macro was_known() -%}
    {%- if var('known_at') -%}
        _loaded_at <= cast('{{ var("known_at") }}' as timestamp)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
    Columns of a version's place in its object's history (docs/mrr_rules.md 1), over rows with
    `version_at` and `version_date`. Ties of version_at are broken by the row's content, never by
    arrival.
      version_number  1 for the oldest
      valid_from, valid_to            UTC, half-open, null = open
      valid_from_date, valid_to_date  local dates; equal when a later version of that day replaced
      it
#}
{% macro version_columns(key) -%}
    row_number() over {{ key }}_history as version_number,
    version_at as valid_from,
    lead(version_at) over {{ key }}_history as valid_to,
    version_date as valid_from_date,
    coalesce(lead(version_date) over {{ key }}_history, {{ end_of_time() }}) as valid_to_date,
    lead(version_at) over {{ key }}_history is null as is_current
{%- endmacro %}

{#
    The window that `version_columns` reads; the greatest (version_at, content) is the current
    one.
#}
{% macro version_window(key, tie_break) -%}
    window {{ key }}_history as (
        partition by {{ key }}
        order by version_at, {{ tie_break | join(' nulls first, ') }} nulls first
    )
{%- endmacro %}

{# `version_columns` of an object that came once: nothing to compare, so nothing to sort. #}
{% macro only_version_columns() -%}
    1 as version_number,
    version_at as valid_from,
    cast(null as timestamp) as valid_to,
    version_date as valid_from_date,
    {{ end_of_time() }} as valid_to_date,
    true as is_current
{%- endmacro %}
