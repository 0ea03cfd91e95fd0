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

{#
    How rows that are only typed are kept: DuckDB reads what a query asks for where the files lie.
    Spark merges the expressions of views into those of their readers until it plans longer than it
    reads, so there they are a table.
#}
{% macro read_in_place() -%}
    {{ return(adapter.dispatch('read_in_place', 'holdfast')()) }}
{%- endmacro %}

{% macro duckdb__read_in_place() -%}
    {{ return('view') }}
{%- endmacro %}

{% macro spark__read_in_place() -%}
    {{ return('table') }}
{%- endmacro %}
