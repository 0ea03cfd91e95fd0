{# The distinct values of a group as a sorted list of text; null is no value. #}
{% macro sorted_list(expression) -%}
    {{ return(adapter.dispatch('sorted_list', 'holdfast')(expression)) }}
{%- endmacro %}

{% macro duckdb__sorted_list(expression) -%}
    coalesce(
        list(distinct {{ expression }} order by {{ expression }})
            filter (where {{ expression }} is not null),
        {{ duckdb__empty_list() }}
    )
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

{# The texts of a group, in an order, with something between them. #}
{% macro joined_text(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text', 'holdfast')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro duckdb__joined_text(expression, separator, order_by) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__joined_text(expression, separator, order_by) -%}
    listagg({{ expression }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
