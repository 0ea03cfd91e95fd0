{# How figures read in a text that is made for people. #}

{% macro as_text(value) -%}
    cast({{ value }} as {{ dbt.type_string() }})
{%- endmacro %}

{# An amount of the reporting currency: 1234.50 USD. #}
{% macro money_text(amount) -%}
    cast(cast({{ amount }} as decimal(18, 2)) as {{ dbt.type_string() }})
    || ' {{ var("reporting_currency") }}'
{%- endmacro %}

{# A fraction as a whole percentage with its sign: +20 %. #}
{% macro percent_change_text(fraction) -%}
    case when {{ fraction }} >= 0 then '+' else '' end
    || cast(cast(round({{ fraction }} * 100, 0) as bigint) as {{ dbt.type_string() }}) || ' %'
{%- endmacro %}

{# The end of a line of a text with several. #}
{% macro line_end() -%}
    chr(10)
{%- endmacro %}

{# The days that a quarterly review looks at, and the same number before: one row. #}
{% macro review_window() -%}
    select
        {{ add_days(as_of_date(), '1 - days') }} as from_date,
        {{ add_days(as_of_date(), '1 - 2 * days') }} as earlier_from_date,
        cast(days as integer) as days
    from ({{ list_rules('quarterly_review', ['days']) }}) as rules
{%- endmacro %}
