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

{# One row per element of a list column; for a select list without other expansions. #}
{% macro list_elements(column) -%}
    {{ return(adapter.dispatch('list_elements', 'holdfast')(column)) }}
{%- endmacro %}

{% macro duckdb__list_elements(column) -%}
    unnest({{ column }})
{%- endmacro %}

{% macro spark__list_elements(column) -%}
    explode({{ column }})
{%- endmacro %}

{# An empty list of text. #}
{% macro empty_list() -%}
    {{ return(adapter.dispatch('empty_list', 'holdfast')()) }}
{%- endmacro %}

{% macro duckdb__empty_list() -%}
    cast([] as varchar[])
{%- endmacro %}

{% macro spark__empty_list() -%}
    cast(array() as array<string>)
{%- endmacro %}

{# Sha256, in hexadecimal, of the lines of a group in the order of their bytes. #}
{% macro sha256_of_lines(line) -%}
    {{ return(adapter.dispatch('sha256_of_lines', 'holdfast')(line)) }}
{%- endmacro %}

{% macro duckdb__sha256_of_lines(line) -%}
    sha256(string_agg({{ line }}, chr(10) order by {{ line }}))
{%- endmacro %}

{% macro spark__sha256_of_lines(line) -%}
    sha2(array_join(sort_array(collect_list({{ line }})), '\n'), 256)
{%- endmacro %}

{# The rate from one currency to the reporting currency; 1 for the reporting currency itself. #}
{% macro rate_of(currency, rate) -%}
    case
        when {{ currency }} = '{{ var("reporting_currency") }}' then cast(1 as decimal(16, 10))
        else cast({{ rate }} as decimal(16, 10))
    end
{%- endmacro %}

{# The share part / whole of an amount in cents, half up, whatever its sign; 0 <= part <= whole. #}
{% macro share_in_cents(amount, part, whole) -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * {{ exact_divide(
            whole_cents('abs(' ~ amount ~ ')') ~ ' * ' ~ part, whole ~ ' * 100', 2
        ) }} as decimal(18, 2)
    )
{%- endmacro %}
