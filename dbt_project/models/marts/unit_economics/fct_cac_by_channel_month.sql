with costs as (
    select * from {{ ref('int_cac_by_period') }}
    where period_type = 'month'
),

final as (
    select
        policy_id,
        period_start as month,
        is_blended,
        channel,
        loading,
        loading_no,
        cast(spend as decimal(18, 2)) as spend,
        cast(customers_won as bigint) as customers_won,
        cast(new_mrr as decimal(18, 2)) as new_mrr,
        cast(cac as decimal(18, 2)) as cac,
        cac_low as low,
        cac_high as high,
        cac_reason as reason,
        customers_won < {{ small_sample_size() }} as is_small_sample,
        is_complete
    from costs
)

select * from final
