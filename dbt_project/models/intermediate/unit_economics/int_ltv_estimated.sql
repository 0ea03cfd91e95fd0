-- LTV by every formula, with the reason where it cannot be said, and its interval
-- (docs/unit_economics_rules.md 5 and 6). One row per policy, period, segment and method.
with inputs as (
    select * from {{ ref('int_ltv_inputs') }}
),

methods as (
    {%- for method in ltv_formula_methods() %}
    select '{{ method }}' as method
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        inputs.*,
        methods.method,
        case
            when inputs.customers = 0 or inputs.mrr = 0 then 'no_customers'
            when inputs.base = 0 then 'no_customers_at_start'
            when inputs.base <= inputs.months then 'one_customer'
            when methods.method = 'trailing6' and inputs.trailing_e12 is null then 'short_history'
            when methods.method in ('margin', 'dcf') and coalesce(inputs.margin_e6, 0) <= 0
                then 'no_margin'
            when methods.method in ('simple', 'margin') and inputs.lost = 0 then 'no_churn'
            when methods.method = 'dcf' and inputs.lost = 0 and {{ monthly_discount_e9() }} = 0
                then 'no_churn'
            when methods.method = 'trailing6' and inputs.trailing_e12 = 0 then 'no_churn'
        end as reason,
        -- Relative standard error of ARPA, over the customers of an average month.
        case
            when inputs.customers > inputs.months and inputs.mrr > 0
                then sqrt(
                    greatest(
                        cast(inputs.mrr_squares as double)
                        - power(cast(inputs.mrr as double), 2) / inputs.customers,
                        0
                    ) / (inputs.customers - inputs.months) * inputs.customers * inputs.months
                ) / cast(inputs.mrr as double)
        end as arpa_relative_error
    from inputs
    cross join methods
),

-- Six months' churn has an interval of its own: the pooled one's, carried over to the mean.
churn_bounds as (
    select
        *,
        case
            when method <> 'trailing6' then cast(lost as double) / nullif(base, 0)
            else cast(trailing_e12 as double) / 6e12
        end as churn,
        case
            when method <> 'trailing6' then {{ wilson('lost', 'base', 'low') }}
            else {{ wilson('trailing_lost', 'trailing_base', 'low') }}
        end as low_rate,
        case
            when method <> 'trailing6' then {{ wilson('lost', 'base', 'high') }}
            else {{ wilson('trailing_lost', 'trailing_base', 'high') }}
        end as high_rate,
        case
            when method = 'trailing6' and trailing_lost > 0
                then cast(trailing_e12 as double) / 6e12 * trailing_base / trailing_lost
            else 1
        end as rate_scale
    from judged
),

points as (
    select
        *,
        cast(
            case
                when reason is not null then null
                {%- for method in ltv_formula_methods() %}
                when method = '{{ method }}' then {{ ltv_exact(method) }}
                {%- endfor %}
            end as decimal(18, 2)
        ) as ltv,
        {%- for place, churn in {
            'at_churn': 'churn', 'at_high_churn': 'high_rate * rate_scale',
            'at_low_churn': 'low_rate * rate_scale'
        }.items() %}
        case
            when coalesce(reason, 'no_churn') <> 'no_churn' then null
            {%- for method in ltv_formula_methods() %}
            when method = '{{ method }}' then {{ ltv_at_churn(method, churn) }}
            {%- endfor %}
        end as {{ place }}{{ ',' if not loop.last }}
        {%- endfor %}
    from churn_bounds
),

-- The two errors, of churn and of ARPA, are independent: their logarithms add in squares.
spread as (
    select
        *,
        {{ z_95() }} * arpa_relative_error as arpa_spread,
        case when at_churn > 0 and at_high_churn > 0 then ln(at_churn / at_high_churn) else 0 end
            as low_spread,
        case when at_churn > 0 and at_low_churn > 0 then ln(at_low_churn / at_churn) end
            as high_spread
    from points
),

bounded as (
    select
        *,
        {{ estimated_money(
            'coalesce(at_churn, at_high_churn)'
            ~ ' * exp(-sqrt(low_spread * low_spread + arpa_spread * arpa_spread))'
        ) }} as low_estimate,
        {{ estimated_money(
            'at_churn * exp(sqrt(high_spread * high_spread + arpa_spread * arpa_spread))'
        ) }} as high_estimate
    from spread
),

-- A spread of nothing may round the bound past the exact figure by a cent.
final as (
    select
        policy_id,
        period_type,
        period_start,
        last_month,
        is_complete,
        segment_type,
        segment_value,
        method,
        ltv,
        case when low_estimate > ltv then ltv else low_estimate end as low,
        case when high_estimate < ltv then ltv else high_estimate end as high,
        {{ money_ratio('mrr', 'customers') }} as arpa,
        case
            when method = 'trailing6' then cast(churn as decimal(18, 6))
            else {{ ratio('lost', 'base') }}
        end as churn_rate,
        gross_margin,
        is_default_margin,
        base as customers_at_risk,
        lost as customers_lost,
        customers,
        months,
        base < {{ small_sample_size() }} * months as is_small_sample,
        reason
    from bounded
)

select * from final
