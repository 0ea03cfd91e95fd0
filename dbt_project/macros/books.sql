{# The money of a customer's month; the last one is the sum of the others. #}
{% macro mrr_parts() -%}
    {{ return([
        'opening', 'new', 'reactivation', 'expansion', 'contraction', 'churn', 'fx', 'closing'
    ]) }}
{%- endmacro %}

{#
    A closed figure as the line that the content hash is taken over: policy|customer|opening|...
    with two decimals, as orchestration/books/periods.py writes it.
#}
{% macro closed_line() -%}
    policy_id || '|' || customer_id
    {%- for part in mrr_parts() %}
    || '|' || cast({{ part }}_mrr as {{ dbt.type_string() }})
    {%- endfor %}
{%- endmacro %}

{# The values of columns (or expressions, which have blanks) as one text that tells nulls apart. #}
{% macro said(columns) -%}
    ''
    {%- for column in columns %}
    {%- set value = column if ' ' in column else adapter.quote(column) %}
    || coalesce(cast({{ value }} as {{ dbt.type_string() }}), '~') || '|'
    {%- endfor %}
{%- endmacro %}
