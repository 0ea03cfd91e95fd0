with curves as (
    select * from {{ ref('int_survival_fitted') }}
),

final as (
    select
        policy_id,
        segment_type,
        segment_value,
        cast(day_of_life as integer) as day_of_life,
        customers,
        at_risk,
        churned,
        cast(survival as decimal(18, 6)) as survival,
        cast(low as decimal(18, 6)) as low,
        cast(high as decimal(18, 6)) as high,
        cast(median_lifetime_days as integer) as median_lifetime_days,
        cast(median_lifetime_days_low as integer) as median_lifetime_days_low,
        cast(median_lifetime_days_high as integer) as median_lifetime_days_high,
        customers < {{ small_sample_size() }} as is_small_sample
    from curves
)

select * from final
