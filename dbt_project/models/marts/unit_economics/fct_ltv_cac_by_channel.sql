with costs as (
    select * from {{ ref('int_cac_by_period') }}
),

estimates as (
    select * from {{ ref('int_ltv_estimated') }}
    where segment_type in ('all', 'channel')
),

inputs as (
    select
        policy_id,
        period_type,
        period_start,
        max(gross_margin) as gross_margin
    from {{ ref('int_ltv_inputs') }}
    where segment_type = 'all'
    group by
        policy_id,
        period_type,
        period_start
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

bands as (
    select * from {{ ref('ltv_cac_bands') }}
),

valued as (
    select
        costs.*,
        policies.ltv_method,
        estimates.ltv,
        estimates.low as ltv_low,
        estimates.high as ltv_high,
        case
            when estimates.policy_id is null then 'no_customers'
            else estimates.reason
        end as ltv_reason,
        coalesce(estimates.is_small_sample, true) as is_small_ltv_sample,
        inputs.gross_margin,
        {{ ratio('estimates.ltv', 'costs.cac') }} as ltv_cac_ratio
    from costs
    inner join policies
        on costs.policy_id = policies.policy_id
    left join estimates
        on costs.policy_id = estimates.policy_id
        and costs.period_type = estimates.period_type
        and costs.period_start = estimates.period_start
        and policies.ltv_method = estimates.method
        and case when costs.is_blended then 'all' else 'channel' end = estimates.segment_type
        and costs.channel = estimates.segment_value
    left join inputs
        on costs.policy_id = inputs.policy_id
        and costs.period_type = inputs.period_type
        and costs.period_start = inputs.period_start
),

-- Both errors on the logarithm, in squares: the interval of the ratio.
spread as (
    select
        *,
        sqrt(
            power(ln(cast(ltv as double) / ltv_low), 2)
            + power(ln(cast(cac_high as double) / cac), 2)
        ) as spread_down,
        sqrt(
            power(ln(cast(ltv_high as double) / ltv), 2)
            + power(ln(cast(cac as double) / cac_low), 2)
        ) as spread_up
    from valued
    where ltv > 0
        and ltv_low > 0
        and cac > 0
        and cac_low > 0
),

final as (
    select
        valued.policy_id,
        valued.period_type,
        valued.period_start,
        valued.is_blended,
        valued.channel,
        valued.loading,
        valued.loading_no,
        cast(valued.spend as decimal(18, 2)) as spend,
        cast(valued.customers_won as bigint) as customers_won,
        cast(valued.new_mrr as decimal(18, 2)) as new_mrr,
        cast(valued.cac as decimal(18, 2)) as cac,
        valued.cac_low,
        valued.cac_high,
        valued.ltv_method,
        cast(valued.ltv as decimal(18, 2)) as ltv,
        valued.ltv_low,
        valued.ltv_high,
        valued.ltv_cac_ratio,
        case
            when valued.ltv_cac_ratio < 1000000
                then cast(valued.ltv_cac_ratio * exp(-spread.spread_down) as decimal(18, 6))
        end as ltv_cac_ratio_low,
        case
            when valued.ltv_cac_ratio * exp(spread.spread_up) < 1000000000
                then cast(valued.ltv_cac_ratio * exp(spread.spread_up) as decimal(18, 6))
        end as ltv_cac_ratio_high,
        bands.band,
        bands.verdict,
        bands.remark,
        case
            when valued.cac_reason is not null then valued.cac_reason
            when valued.ltv_reason is not null then valued.ltv_reason
            when valued.cac = 0 then 'zero_cac'
        end as reason,
        valued.gross_margin,
        case
            when valued.cac_reason is null and valued.gross_margin > 0
                then {{ ratio('valued.spend', 'valued.new_mrr * valued.gross_margin') }}
        end as payback_months,
        case
            when valued.cac_reason is not null then valued.cac_reason
            when coalesce(valued.gross_margin, 0) <= 0 then 'no_margin'
            when valued.new_mrr <= 0 then 'no_mrr_won'
        end as payback_reason,
        valued.customers_won < {{ small_sample_size() }} or valued.is_small_ltv_sample
            as is_small_sample,
        valued.is_complete
    from valued
    left join spread
        on valued.policy_id = spread.policy_id
        and valued.period_type = spread.period_type
        and valued.period_start = spread.period_start
        and valued.is_blended = spread.is_blended
        and valued.channel = spread.channel
        and valued.loading = spread.loading
    left join bands
        on (
            bands.ratio_from is null
            or valued.ltv_cac_ratio > bands.ratio_from
            or (valued.ltv_cac_ratio = bands.ratio_from and bands.is_from_included)
        )
        and (
            bands.ratio_to is null
            or valued.ltv_cac_ratio < bands.ratio_to
            or (valued.ltv_cac_ratio = bands.ratio_to and bands.is_to_included)
        )
        and valued.ltv_cac_ratio is not null
)

select * from final
