{#
    Intervals of 95 % (docs/retention_rules.md 4), as decimal(18, 6). Null where they cannot be
    said.
#}

{# The 0.975 quantile of the normal distribution. #}
{% macro z_95() -%}
    1.959963984540054e0
{%- endmacro %}

{# Under this many units a rate carries is_small_sample. #}
{% macro small_sample_size() -%}
    30
{%- endmacro %}

{# One end of the Wilson interval of `successes` out of `trials`; `end` is low or high. #}
{% macro wilson(successes, trials, end) -%}
    {%- set k = 'cast(' ~ successes ~ ' as double)' -%}
    {%- set n = 'cast(' ~ trials ~ ' as double)' -%}
    case
        when {{ trials }} <= 0 or {{ successes }} > {{ trials }} then null
        -- Exact where rounding would leave a hair.
        {% if end == 'low' -%}
            when {{ successes }} = 0 then 0
        {%- else -%}
            when {{ successes }} = {{ trials }} then 1
        {%- endif %}
        else cast(
            (
                {{ k }} + {{ z_95() }} * {{ z_95() }} / 2
                {{ '-' if end == 'low' else '+' }} {{ z_95() }} * sqrt(
                    {{ k }} * ({{ n }} - {{ k }}) / {{ n }} + {{ z_95() }} * {{ z_95() }} / 4
                )
            ) / ({{ n }} + {{ z_95() }} * {{ z_95() }}) as decimal(18, 6)
        )
    end
{%- endmacro %}

{#
    One end of the interval of a ratio of sums r = Σy / Σx over n units, from the sums over units:
    r ± z·√(n / (n − 1) · Σ(y − r·x)²) / Σx.
#}
{% macro ratio_interval(n, sum_x, sum_y, sum_xx, sum_xy, sum_yy, end) -%}
    {%- set x = 'cast(' ~ sum_x ~ ' as double)' -%}
    {%- set r = '(cast(' ~ sum_y ~ ' as double) / ' ~ x ~ ')' -%}
    case
        when {{ n }} >= 2 and {{ sum_x }} > 0
            then cast(
                {{ r }} {{ '-' if end == 'low' else '+' }} {{ z_95() }} * sqrt(
                    greatest(
                        cast({{ sum_yy }} as double)
                        - 2 * {{ r }} * cast({{ sum_xy }} as double)
                        + {{ r }} * {{ r }} * cast({{ sum_xx }} as double),
                        0
                    ) * {{ n }} / ({{ n }} - 1)
                ) / {{ x }} as decimal(18, 6)
            )
    end
{%- endmacro %}
