{# The segments that marts are cut by; columns of int_customer_segments. #}
{% macro segment_types() -%}
    {{ return([
        'plan', 'channel', 'motion', 'segment', 'country', 'size_band', 'cohort_year'
    ]) }}
{%- endmacro %}

{# Grouping sets: the columns alone, and with each segment. #}
{% macro by_segment(columns) -%}
    grouping sets (
        ({{ columns | join(', ') }}),
        {%- for segment in segment_types() %}
        ({{ columns | join(', ') }}, {{ segment }}){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# segment_type and segment_value of a row of `by_segment`. #}
{% macro segment_columns() -%}
    case
        {%- for segment in segment_types() %}
        when grouping({{ segment }}) = 0 then '{{ segment }}'
        {%- endfor %}
        else 'all'
    end as segment_type,
    case
        {%- for segment in segment_types() %}
        when grouping({{ segment }}) = 0 then {{ segment }}
        {%- endfor %}
        else 'all'
    end as segment_value
{%- endmacro %}
