{#
    One end of Byar's 95 % interval of the mean of a Poisson count, as double
    (docs/unit_economics_rules.md 3):
    customers won are counted, what they cost is known. The low end of 0 is 0.
#}
{% macro poisson(count, end) -%}
    {%- if end == 'low' -%}
        case
            when {{ count }} = 0 then cast(0 as double)
            else {{ count }} * power(
                1 - 1 / (9 * cast({{ count }} as double))
                - {{ z_95() }} / (3 * sqrt(cast({{ count }} as double))), 3
            )
        end
    {%- else -%}
        (
            ({{ count }} + 1) * power(
                1 - 1 / (9 * cast({{ count }} + 1 as double))
                + {{ z_95() }} / (3 * sqrt(cast({{ count }} + 1 as double))), 3
            )
        )
    {%- endif -%}
{%- endmacro %}

{# An estimate of money made with doubles, to cents; null where it is none. #}
{% macro estimated_money(amount) -%}
    case when {{ amount }} < 1e15 then cast({{ amount }} as decimal(18, 2)) end
{%- endmacro %}

{# Money of either sign shared by a count, to cents; null where the count is zero. #}
{% macro signed_money_ratio(amount, count) -%}
    case when {{ amount }} < 0 then -1 else 1 end
    * {{ money_ratio('abs(' ~ amount ~ ')', count) }}
{%- endmacro %}

{#
    What of a monthly amount is left as margin, to cents. Wide from the start: DuckDB keeps the
    product of two narrow decimals in 18 digits, too few from ten million a month on.
#}
{% macro margin_of(amount, gross_margin) -%}
    {{ to_cents(
        'cast(' ~ amount ~ ' as decimal(38, 2)) * cast(' ~ gross_margin ~ ' as decimal(18, 6))'
    ) }}
{%- endmacro %}

{# The yearly discount rate brought to a month, in parts of 10^9: (1 + d)^(1/12) - 1. #}
{% macro monthly_discount_e9() -%}
    {{ (((1 + var('annual_discount_rate')) ** (1 / 12) - 1) * 1000000000) | round | int }}
{%- endmacro %}

{# The least monthly churn of the method `floor`, in parts of 10^6. #}
{% macro churn_floor_e6() -%}
    {{ (var('ltv_churn_floor') * 1000000) | round | int }}
{%- endmacro %}

{# The methods that follow from a month's or period's figures, in the order of metrics.md 6. #}
{% macro ltv_formula_methods() -%}
    {{ return(['simple', 'trailing6', 'margin', 'floor', 'dcf']) }}
{%- endmacro %}

{#
    LTV by a formula, exact, to cents: `mrr / customers` is ARPA and `lost / base` the monthly
    churn,
    `trailing_e12` the sum of the six monthly rates in parts of 10^12, `margin_e6` the gross margin
    in parts of 10^6.
    Only where the caller has seen that it can be said: the denominators are not 0.
#}
{% macro ltv_exact(method) -%}
    {%- set cents = whole_cents('mrr') -%}
    {%- set unit = 'cast(customers * 100 as decimal(38, 0))' -%}
    {%- if method == 'simple' -%}
        {{ exact_divide(cents ~ ' * base', unit ~ ' * lost', 2) }}
    {%- elif method == 'trailing6' -%}
        {{ exact_divide(cents ~ ' * 6000000000000', unit ~ ' * trailing_e12', 2) }}
    {%- elif method == 'margin' -%}
        {{ exact_divide(cents ~ ' * base * margin_e6', unit ~ ' * lost * 1000000', 2) }}
    {%- elif method == 'floor' -%}
        {{ exact_divide(
            cents ~ ' * base * 1000000',
            unit ~ ' * greatest(lost * 1000000, base * ' ~ churn_floor_e6() ~ ')', 2
        ) }}
    {%- elif method == 'dcf' -%}
        {%- set d = monthly_discount_e9() -%}
        {{ exact_divide(
            cents ~ ' * base * margin_e6 * (1000000000 + ' ~ d ~ ')',
            unit ~ ' * 1000000 * (base * ' ~ d ~ ' + lost * 1000000000)', 2
        ) }}
    {%- endif -%}
{%- endmacro %}

{# The same in doubles at another churn, for the intervals. #}
{% macro ltv_at_churn(method, churn) -%}
    {%- set arpa = 'cast(mrr as double) / customers' -%}
    {%- set margin = '(margin_e6 / 1e6)' -%}
    {%- set d = '(' ~ monthly_discount_e9() ~ ' / 1e9)' -%}
    {%- if method in ('simple', 'trailing6') -%}
        {{ arpa }} / nullif({{ churn }}, 0)
    {%- elif method == 'margin' -%}
        {{ arpa }} * {{ margin }} / nullif({{ churn }}, 0)
    {%- elif method == 'floor' -%}
        {{ arpa }} / greatest({{ churn }}, {{ churn_floor_e6() }} / 1e6)
    {%- elif method == 'dcf' -%}
        {{ arpa }} * {{ margin }} * (1 + {{ d }}) / nullif({{ d }} + {{ churn }}, 0)
    {%- endif -%}
{%- endmacro %}

{#
    Σ of rate^k for k = 1 … 12, exact to 14 decimals, for rates from 0 to 1:
    r (1 + r + r²)(1 + r³)(1 + r⁶).
#}
{% macro sum_of_twelve_powers(rate) -%}
    {%- set r = 'cast(' ~ rate ~ ' as decimal(8, 6))' -%}
    {%- set cube = 'cast(' ~ r ~ ' * ' ~ r ~ ' * ' ~ r ~ ' as decimal(16, 14))' -%}
    cast(
        cast(
            cast({{ r }} * (1 + {{ r }} + {{ r }} * {{ r }}) as decimal(18, 14)) * (1 + {{ cube }})
            as decimal(18, 14)
        ) * cast(1 + {{ cube }} * {{ cube }} as decimal(18, 14)) as decimal(18, 14)
    )
{%- endmacro %}
