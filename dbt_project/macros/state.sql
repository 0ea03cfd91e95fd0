{#
    The table that this model made in the last release, where the run has carried it over
    (orchestration/release/carry_over.py); none in a fresh build, which then starts from nothing.
#}
{% macro previous_version() -%}
    {{ return(adapter.dispatch('previous_version', 'holdfast')()) }}
{%- endmacro %}

{% macro duckdb__previous_version() -%}
    {%- if execute -%}
        {{ return(load_relation(this)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# The run shows it on the cluster in a schema of its own: a table cannot be read while replaced. #}
{% macro spark__previous_version() -%}
    {%- if execute -%}
        {{ return(load_relation(
            this.incorporate(path={'schema': 'previous', 'identifier': this.identifier})
        )) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
