{#
    A running sum as intervals, from rows (keys, change_date, change): a table expression with the
    keys, from_date, to_date (half-open) and level, which differs from the one before. A change of 0
    says from when the level is known. Changes of one day are one.
#}
{% macro swept_levels(changes, keys) -%}
    select
        {{ keys | join(', ') }},
        change_date as from_date,
        coalesce(
            lead(change_date) over (partition by {{ keys | join(', ') }} order by change_date),
            {{ end_of_time() }}
        ) as to_date,
        level
    from (
        select
            *,
            sum(change) over (
                partition by {{ keys | join(', ') }}
                order by change_date
                rows between unbounded preceding and current row
            ) as level,
            row_number() over (
                partition by {{ keys | join(', ') }} order by change_date
            ) as day_number
        from (
            select
                {{ keys | join(', ') }},
                change_date,
                sum(change) as change
            from {{ changes }}
            group by
                {{ keys | join(', ') }},
                change_date
        ) as days
    ) as running
    where change <> 0
        or day_number = 1
{%- endmacro %}

{#
    Stretches (keys, from_date, to_date) that overlap or touch, as one each: a table expression with
    the keys, from_date and to_date. A stretch that begins after all before it have ended is the
    first of its kind; what they reach to is where the kind before it ends. So all rows are sorted
    once, and only the first ones again.
#}
{% macro merged_stretches(stretches, keys) -%}
    select
        {{ keys | join(', ') }},
        from_date,
        coalesce(
            lead(reached_date) over (partition by {{ keys | join(', ') }} order by from_date),
            last_date
        ) as to_date
    from (
        select
            {{ keys | join(', ') }},
            from_date,
            max(to_date) over (
                partition by {{ keys | join(', ') }}
                order by from_date, to_date
                rows between unbounded preceding and 1 preceding
            ) as reached_date,
            max(to_date) over (
                partition by {{ keys | join(', ') }}
                order by from_date, to_date
                rows between unbounded preceding and unbounded following
            ) as last_date
        from {{ stretches }}
        where from_date < to_date
    ) as reached
    where reached_date is null
        or from_date > reached_date
{%- endmacro %}

{#
    The columns of a signal's interval (docs/signal_rules.md 1): on a day d of [from_date, to_date)
    its value is value + slope × (d − from_date).
#}
{% macro signal_columns(signal, value, slope=0, detail='null') -%}
    '{{ signal }}' as signal,
    from_date,
    to_date,
    cast({{ value }} as decimal(18, 6)) as value,
    {{ slope }} as slope,
    cast({{ detail }} as {{ dbt.type_string() }}) as detail
{%- endmacro %}

{# A signal's value on a day of its interval. #}
{% macro value_on(date, interval) -%}
    cast(
        {{ interval }}.value + {{ interval }}.slope
        * {{ days_between(interval ~ '.from_date', date) }} as decimal(18, 6)
    )
{%- endmacro %}

{#
    When a signal's interval satisfies `comparator threshold` (docs/signal_rules.md 3): the first
    day, and the day after the last one. A rising or falling signal crosses the threshold inside
    its interval; `gap` is the days until it is there. Columns from_date, to_date, value, slope of
    the interval and comparator, threshold of the condition must be in scope; a steady signal
    (slope 0) must have been compared already (`compares`).
#}
{% macro days_to_threshold() -%}
    (slope * (threshold - value))
{%- endmacro %}

{% macro rises_to_threshold() -%}
    ((slope > 0 and comparator in ('>=', '>')) or (slope < 0 and comparator in ('<=', '<')))
{%- endmacro %}

{% macro hold_from_date() -%}
    case
        when slope = 0 then from_date
        when {{ rises_to_threshold() }} or comparator = '='
            then {{ add_days(
                'from_date',
                "greatest(0, least(1000000, case when comparator in ('>', '<') then floor("
                ~ days_to_threshold() ~ ') + 1 else ceil(' ~ days_to_threshold() ~ ') end))'
            ) }}
        else from_date
    end
{%- endmacro %}

{% macro hold_to_date() -%}
    case
        when slope = 0 or {{ rises_to_threshold() }} then to_date
        else least(
            to_date,
            {{ add_days(
                'from_date',
                "greatest(0, least(1000000, case when comparator in ('>', '<') then ceil("
                ~ days_to_threshold() ~ ') else floor(' ~ days_to_threshold() ~ ') + 1 end))'
            ) }}
        )
    end
{%- endmacro %}

{# Whether a steady signal's value satisfies its condition; true for one that rises or falls. #}
{% macro compares() -%}
    case
        when slope <> 0 then true
        when comparator = '>=' then value >= threshold
        when comparator = '>' then value > threshold
        when comparator = '<=' then value <= threshold
        when comparator = '<' then value < threshold
        when comparator = '=' then value = threshold
    end
{%- endmacro %}

{# A number as a person writes it: without the zeros at the end of its fraction. #}
{% macro plain_number(value) -%}
    case
        when {{ value }} = floor({{ value }})
            then cast(cast({{ value }} as bigint) as {{ dbt.type_string() }})
        else cast(cast(round({{ value }}, 2) as decimal(18, 2)) as {{ dbt.type_string() }})
    end
{%- endmacro %}

{#
    The evidence text of a signal (seed signals): value, day, since, date and detail filled in.
    `interval` is the alias of a row of intervals; `date` is the day of it that the text is of.
#}
{% macro filled_evidence(template, date, interval) -%}
    replace(
        replace(
            replace(
                replace(
                    replace({{ template }}, '{value}', {{ plain_number(value_on(date, interval)) }}),
                    '{day}', cast({{ date }} as {{ dbt.type_string() }})
                ),
                '{since}', cast({{ interval }}.from_date as {{ dbt.type_string() }})
            ),
            '{date}', coalesce(cast({{ date_of_zero(interval) }} as {{ dbt.type_string() }}), '')
        ),
        '{detail}', coalesce({{ interval }}.detail, '')
    )
{%- endmacro %}

{# The day on which a signal that counts days is 0; null for any other. #}
{% macro date_of_zero(interval) -%}
    case
        when {{ interval }}.slope <> 0
            then {{ add_days(
                interval ~ '.from_date', '-1 * ' ~ interval ~ '.slope * ' ~ interval ~ '.value'
            ) }}
    end
{%- endmacro %}

{#
    The intervals of an account that hold a day on which it is shown (`shown` with account_id and
    seen_date), once per day: a table expression with the intervals' columns, `columns` of shown and
    seen_date. Most intervals hold none of the few `dates` with seen_date that there are; they are left out by the
    first day after their begin, before anything is compared with all days of an account.
#}
{% macro intervals_on_days(intervals, dates, shown, columns=[]) -%}
    select
        candidates.*,
        {%- for column in columns %}
        {{ shown }}.{{ column }},
        {%- endfor %}
        {{ shown }}.seen_date
    from (
        select {{ intervals }}.*
        from {{ intervals }}
        inner join (
            select
                begins.from_date,
                min(days.seen_date) as next_date
            from (
                select from_date
                from {{ intervals }}
                group by from_date
            ) as begins
            inner join {{ dates }} as days
                on begins.from_date <= days.seen_date
            group by begins.from_date
        ) as upcoming
            on {{ intervals }}.from_date = upcoming.from_date
        where upcoming.next_date < {{ intervals }}.to_date
    ) as candidates
    inner join {{ shown }}
        on candidates.account_id = {{ shown }}.account_id
        and candidates.from_date <= {{ shown }}.seen_date
        and candidates.to_date > {{ shown }}.seen_date
{%- endmacro %}
