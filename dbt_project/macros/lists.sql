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

{# A digest of the texts of a group, in their own order: the same texts have the same digest. #}
{% macro text_digest(expression) -%}
    {{ return(adapter.dispatch('text_digest', 'holdfast')(expression)) }}
{%- endmacro %}

{% macro duckdb__text_digest(expression) -%}
    substr(md5(string_agg({{ expression }}, '|' order by {{ expression }})), 1, 12)
{%- endmacro %}

{% macro spark__text_digest(expression) -%}
    substr(md5(array_join(sort_array(collect_list({{ expression }})), '|')), 1, 12)
{%- endmacro %}
