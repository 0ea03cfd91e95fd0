{# The distinct values of a group as a sorted list of text. #}
{% macro sorted_list(expression) -%}
    {{ return(adapter.dispatch('sorted_list', 'holdfast')(expression)) }}
{%- endmacro %}

{% macro duckdb__sorted_list(expression) -%}
    list(distinct {{ expression }} order by {{ expression }})
{%- endmacro %}

{% macro spark__sorted_list(expression) -%}
    sort_array(collect_set({{ expression }}))
{%- endmacro %}
