{# The last day that counts, as a date literal (metrics.md 1: no model asks the clock). #}
{% macro as_of_date() -%}
    cast('{{ var("as_of_date") }}' as date)
{%- endmacro %}

{# The calendar date in the reporting time zone of a UTC timestamp. #}
{% macro local_date(timestamp) -%}
    {{ return(adapter.dispatch('local_date', 'holdfast')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__local_date(timestamp) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        cast(timezone('{{ var("reporting_timezone") }}', timezone('UTC', {{ timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}

{% macro spark__local_date(timestamp) -%}
    to_date(from_utc_timestamp({{ timestamp }}, '{{ var("reporting_timezone") }}'))
{%- endmacro %}

{# Months later on the calendar, counted from the anchor: 31 Jan + 1 = 28 Feb, + 2 = 31 Mar. #}
{% macro add_months(date, months) -%}
    {{ return(adapter.dispatch('add_months', 'holdfast')(date, months)) }}
{%- endmacro %}

{% macro duckdb__add_months(date, months) -%}
    cast({{ date }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{% macro spark__add_months(date, months) -%}
    add_months({{ date }}, cast({{ months }} as int))
{%- endmacro %}

{# Days later. #}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days', 'holdfast')(date, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(from_date, to_date) -%}
    {{ return(adapter.dispatch('days_between', 'holdfast')(from_date, to_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(from_date, to_date) -%}
    ({{ to_date }} - {{ from_date }})
{%- endmacro %}

{% macro spark__days_between(from_date, to_date) -%}
    datediff({{ to_date }}, {{ from_date }})
{%- endmacro %}

{# Whole seconds from one timestamp to another. #}
{% macro seconds_between(from_timestamp, to_timestamp) -%}
    {{ return(adapter.dispatch('seconds_between', 'holdfast')(from_timestamp, to_timestamp)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(from_timestamp, to_timestamp) -%}
    cast(floor(epoch({{ to_timestamp }} - {{ from_timestamp }})) as bigint)
{%- endmacro %}

{% macro spark__seconds_between(from_timestamp, to_timestamp) -%}
    cast(
        floor((unix_micros({{ to_timestamp }}) - unix_micros({{ from_timestamp }})) / 1e6) as bigint
    )
{%- endmacro %}

{# Whole months from one first-of-month to another. #}
{% macro months_between_firsts(from_month, to_month) -%}
    (
        (extract(year from {{ to_month }}) - extract(year from {{ from_month }})) * 12
        + extract(month from {{ to_month }}) - extract(month from {{ from_month }})
    )
{%- endmacro %}

{% macro first_of_month(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{# The last day of the date's month; in the running month the as-of date. #}
{% macro month_end_seen(date) -%}
    least(last_day({{ date }}), {{ as_of_date() }})
{%- endmacro %}

{# A date after every other: the end of what has no end. #}
{% macro end_of_time() -%}
    cast('9999-12-31' as date)
{%- endmacro %}

{# A date before every other: evidence that also speaks for the time before it. #}
{% macro start_of_time() -%}
    cast('0001-01-01' as date)
{%- endmacro %}

{# 1970-01-01 and 9999-12-31 are how systems write "none": they read as null (faults.md F46). #}
{% macro without_sentinel(timestamp) -%}
    case
        when {{ timestamp }} >= cast('1970-01-02 00:00:00' as timestamp)
            and {{ timestamp }} < cast('9999-01-01 00:00:00' as timestamp)
            then {{ timestamp }}
    end
{%- endmacro %}
