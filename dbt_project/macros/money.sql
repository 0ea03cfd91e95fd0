{#
    Exact money. A value per month is kept in major units with 16 decimals (guard digits behind
    1/12 and the like) and rounded once, half up, at the unit and day (docs/mrr_rules.md 7).
#}
{% macro exact_type() -%}
    decimal(38, 16)
{%- endmacro %}

{#
    numerator / denominator, half up, as decimal(38, digits), for integers (or decimals without
    fraction) with denominator > 0. DuckDB divides decimals as doubles, hence the integers. Of a
    numerator that leaves no room for the digits the whole part is divided first, as on Spark; two
    divisions are dear, and hardly any amount is that large.
#}
{% macro exact_divide(numerator, denominator, digits) -%}
    {{ return(adapter.dispatch('exact_divide', 'holdfast')(numerator, denominator, digits)) }}
{%- endmacro %}

{% macro duckdb__exact_divide(numerator, denominator, digits) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as hugeint)' -%}
    {%- set d = 'cast(' ~ denominator ~ ' as hugeint)' -%}
    {%- set moved = "cast('2" ~ '0' * digits ~ "' as hugeint)" -%}
    {%- set digit = "cast('0." ~ '0' * (digits - 1) ~ "1' as decimal(" ~ digits ~ ', ' ~ digits
        ~ '))' -%}
    case
        when {{ n }} < cast('5{{ "0" * (37 - digits) }}' as hugeint)
            then cast(
                cast(({{ n }} * {{ moved }} + {{ d }}) // (2 * {{ d }}) as decimal(38, 0))
                * {{ digit }} as decimal(38, {{ digits }})
            )
        else cast(
            cast({{ n }} // {{ d }} as decimal(38, 0))
            + cast(
                ({{ n }} % {{ d }} * {{ moved }} + {{ d }}) // (2 * {{ d }}) as decimal(38, 0)
            ) * {{ digit }} as decimal(38, {{ digits }})
        )
    end
{%- endmacro %}

{#
    In whole numbers, as there is no wider type than decimal(38): the whole part, then what is left
    of it. `%` is exact, and what is divided divides evenly. A quotient of 10^20 and more is an
    error. By 0 it is null, as with DuckDB: Spark may work it out for rows that a filter leaves out.
#}
{% macro spark__exact_divide(numerator, denominator, digits) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as decimal(38, 0))' -%}
    {%- set d = 'nullif(cast(' ~ denominator ~ ' as decimal(38, 0)), 0)' -%}
    {%- set doubled = 'cast(2 * ' ~ d ~ ' as decimal(38, 0))' -%}
    {%- set left = 'cast(cast(' ~ n ~ ' % ' ~ d ~ ' as decimal(38, 0)) * cast(2' ~ '0' * digits
        ~ ' as decimal(38, 0)) + ' ~ d ~ ' as decimal(38, 0))' -%}
    cast(
        cast(({{ n }} - {{ n }} % {{ d }}) / {{ d }} as decimal(38, {{ digits }}))
        + cast(({{ left }} - {{ left }} % {{ doubled }}) / {{ doubled }} as decimal(20, 0))
        * cast('0.{{ "0" * (digits - 1) }}1' as decimal({{ digits }}, {{ digits }}))
        as decimal(38, {{ digits }})
    )
{%- endmacro %}

{#
    To cents, half up, away from zero. Guard digits may have left an exact half cent a hair below
    (832.4999…96 is 832.5), so half of the tenth decimal is added first. `round` divides once where
    a cast of a decimal divides twice, and dividing 128-bit integers is what these models pay for.
#}
{% macro to_cents(amount) -%}
    cast(
        round(
            {{ amount }} + case when {{ amount }} < 0 then -0.00000000005 else 0.00000000005 end, 2
        ) as decimal(18, 2)
    )
{%- endmacro %}

{# An amount of two decimals as a whole number, with room for all that its type holds. #}
{% macro whole_cents(amount) -%}
    cast({{ amount }} * cast(100 as decimal(20, 0)) as decimal(38, 0))
{%- endmacro %}

{# A product of decimals, half up to the 16 decimals of `exact_type`. #}
{% macro exact_product(one, other) -%}
    cast(round({{ one }} * {{ other }}, 16) as {{ exact_type() }})
{%- endmacro %}

{#
    An amount of `exact_type` at a rate of ten decimals, half up to 16 decimals. Their product would
    have 26 and leave room for 12 digits before the point, so whole and fraction are multiplied
    apart.
#}
{% macro at_rate(amount, rate) -%}
    {%- set whole = 'cast(floor(' ~ amount ~ ') as decimal(19, 0))' -%}
    {%- set exact_rate = 'cast(' ~ rate ~ ' as decimal(18, 10))' -%}
    cast({{ whole }} * {{ exact_rate }} as {{ exact_type() }})
    + {{ exact_product(
        'cast(' ~ amount ~ ' - ' ~ whole ~ ' as decimal(17, 16))', exact_rate
    ) }}
{%- endmacro %}

{#
    A fraction, half up away from zero, or null where the denominator is zero or unknown (metrics.md:
    null is "cannot be said") or so small beside the numerator that the type has no room for the
    fraction (10^12 with 6 digits). For numbers of at most 8 decimals.

    The division of doubles is right but where it falls beside a half of the last digit; engines
    round that half differently, so there whole numbers are divided. Hardly any row is that near.
#}
{% macro ratio(numerator, denominator, digits=6) -%}
    {%- set quotient -%}
        cast({{ numerator }} as double) / cast({{ denominator }} as double)
    {%- endset -%}
    {%- set places = '(abs(' ~ quotient ~ ') * 1e' ~ digits ~ ')' -%}
    {%- set whole = [] -%}
    {%- for part in [numerator, denominator] -%}
        {%- do whole.append(
            'cast(cast(abs(' ~ part ~ ') as decimal(38, 8)) * 100000000 as decimal(38, 0))'
        ) -%}
    {%- endfor -%}
    {%- set exact = exact_divide(whole[0], whole[1], digits) -%}
    case
        when {{ denominator }} <> 0
            then case
                when abs({{ places }} % 1e0 - 0.5e0) > 1e-6 + 1e-14 * {{ places }}
                    then try_cast({{ quotient }} as decimal(18, {{ digits }}))
                when ({{ numerator }} < 0) = ({{ denominator }} < 0)
                    then try_cast({{ exact }} as decimal(18, {{ digits }}))
                else try_cast(-{{ exact }} as decimal(18, {{ digits }}))
            end
    end
{%- endmacro %}

{# One minor unit in major units: 0.01 for an exponent of 2. #}
{% macro minor_unit(exponent) -%}
    cast(
        case {{ exponent }}
            when 0 then 1 when 2 then 0.01 when 3 then 0.001 when 4 then 0.0001
        end as decimal(5, 4)
    )
{%- endmacro %}

{#
    What an amount per billing period is at most in a month, for the bound of `int_largest_amounts`:
    every week and every day anew. `period_amount` keeps a product of price and quantity within its
    type; what is cut there is above the bound.
#}
{% macro at_most_a_month(amount, billing_interval) -%}
    {{ amount }} * case {{ billing_interval }} when 'day' then 31 when 'week' then 5 else 1 end
{%- endmacro %}

{% macro period_amount(unit_amount, quantity) -%}
    cast(
        case
            when {{ unit_amount }} * {{ quantity }} > 100000000000 then 100000000001
            else {{ unit_amount }} * {{ quantity }}
        end as decimal(28, 8)
    )
{%- endmacro %}

{#
    Whether a line charges, or takes off, more than counts as a month's charge. What is brought to a
    month by days (prorations, and lines without a known price) grows as a price by the day does.
#}
{% macro is_too_large_a_line(lines, prices, largest_amounts) -%}
    coalesce(
        {{ at_most_a_month(
            'greatest(abs(' ~ lines ~ '.amount), abs(' ~ lines ~ '.discount_amount))',
            'case when ' ~ lines ~ ".is_proration then 'day' else coalesce(" ~ prices
            ~ ".billing_interval, 'day') end"
        ) }} > {{ largest_amounts }}.largest_amount,
        false
    )
{%- endmacro %}

{#
    The monthly factor of a billing interval as two whole numbers (docs/mrr_rules.md 3); `variants`
    is the relation that has week_numerator and its like.
#}
{% macro factor_parts(billing_interval, interval_count, variants) -%}
    case {{ billing_interval }}
        when 'week' then {{ variants }}.week_numerator
        when 'day' then {{ variants }}.day_numerator
        else 1
    end as factor_numerator,
    {{ interval_count }} * case {{ billing_interval }}
        when 'year' then 12
        when 'week' then {{ variants }}.week_denominator
        when 'day' then {{ variants }}.day_denominator
        else 1
    end as factor_denominator
{%- endmacro %}

{# An amount with at most 8 decimals × numerator / denominator, exact to 16 decimals. #}
{% macro scaled_amount(amount, numerator, denominator) -%}
    {{ exact_divide(
        'round(' ~ amount ~ ' * 100000000, 0) * ' ~ numerator,
        denominator ~ ' * cast(100000000 as bigint)',
        16
    ) }}
{%- endmacro %}

{#
    The part of an amount off (× factor) that falls on the first `net` of `shared` MRR
    (docs/mrr_rules.md 4).
    Exact where `net` is all of it, else to 8 decimals: parts are differences of such values along
    the
    items, so that they sum to the whole exactly.
#}
{% macro share_of_amount(amount, factor_numerator, factor_denominator, net, shared) -%}
    case
        when {{ net }} = 0 then 0
        when {{ net }} = {{ shared }}
            then {{ scaled_amount(amount, factor_numerator, factor_denominator) }}
        else cast(
            {{ exact_divide(
                'cast(' ~ amount ~ ' * 10000 as decimal(38, 0)) * ' ~ factor_numerator
                ~ ' * cast(cast(' ~ net ~ ' as decimal(38, 6)) * 1000000 as decimal(38, 0))',
                'cast(cast(' ~ shared ~ ' as decimal(38, 6)) * 1000000 as decimal(38, 0)) * '
                ~ factor_denominator ~ ' * 10000',
                8
            ) }} as {{ exact_type() }}
        )
    end
{%- endmacro %}

{#
    Money shared by a count, to cents, half up; null where the count is zero. Amounts of 0 and
    more.
#}
{% macro money_ratio(amount, count) -%}
    case
        when {{ count }} <> 0
            then cast(
                {{ exact_divide(
                    whole_cents(amount), count ~ ' * 100', 2
                ) }} as decimal(18, 2)
            )
    end
{%- endmacro %}
