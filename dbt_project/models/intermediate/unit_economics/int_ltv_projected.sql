-- Realised and projected LTV per customer ever won, as of the as-of date
-- (docs/unit_economics_rules.md 7). One row per policy and segment (the cohort month is one
-- more).
with realised as (
    select * from {{ ref('int_ltv_realised') }}
),

fits as (
    select * from {{ ref('int_ltv_projected_fitted') }}
),

final as (
    select
        realised.policy_id,
        realised.segment_type,
        realised.segment_value,
        cast(realised.customers as bigint) as customers,
        {{ signed_money_ratio('realised.realised_margin', 'realised.customers') }} as realised_ltv,
        {%- for column, future in {
            'projected_ltv': 'future_margin', 'projected_low': 'future_low',
            'projected_high': 'future_high'
        }.items() %}
        {{ signed_money_ratio(
            '(realised.realised_margin + fits.' ~ future ~ ')', 'realised.customers'
        ) }} as {{ column }},
        {%- endfor %}
        fits.customers_at_risk,
        fits.customers_lost,
        fits.customers_active,
        fits.alpha,
        fits.beta,
        fits.mean_churn,
        fits.polarization,
        fits.reason
    from realised
    left join fits
        on realised.policy_id = fits.policy_id
        and realised.segment_type = fits.segment_type
        and realised.segment_value = fits.segment_value
)

select * from final
