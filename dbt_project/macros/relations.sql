{# All columns of a relation (or of the only one: none) but these. #}
{% macro all_but(relation, columns) -%}
    {{ return(adapter.dispatch('all_but', 'holdfast')(relation, columns)) }}
{%- endmacro %}

{% macro duckdb__all_but(relation, columns) -%}
    {{ relation ~ '.' if relation }}* exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but(relation, columns) -%}
    {{ relation ~ '.' if relation }}* except ({{ columns | join(', ') }})
{%- endmacro %}
