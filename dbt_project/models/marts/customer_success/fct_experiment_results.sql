with judged as (
    select * from {{ ref('int_experiments_judged') }}
),

final as (
    select
        experiment_id,
        '{{ var("official_policy") }}' as policy_id,
        experiment_name as name,
        hypothesis,
        kpi,
        unit,
        started_on as started_date,
        ended_on as ended_date,
        before_from_date,
        {{ add_days('after_to_date', -1) }} as after_to_date,
        coalesce(is_over, false) as is_complete,
        cast(assigned_accounts as bigint) as assigned_accounts,
        cast(target_accounts as bigint) as target_accounts,
        cast(control_accounts as bigint) as control_accounts,
        cast(contaminated_accounts as bigint) as contaminated_accounts,
        cast(
            target_accounts + control_accounts - target_measured - control_measured as bigint
        ) as unmeasured_accounts,
        target_measured as target_accounts_measured,
        control_measured as control_accounts_measured,
        cast(target_before as decimal(18, 6)) as target_before,
        cast(target_after as decimal(18, 6)) as target_after,
        cast(control_before as decimal(18, 6)) as control_before,
        cast(control_after as decimal(18, 6)) as control_after,
        cast(effect as decimal(18, 6)) as effect,
        cast(effect_low as decimal(18, 6)) as effect_low,
        cast(effect_high as decimal(18, 6)) as effect_high,
        cast(p_value as decimal(18, 6)) as p_value,
        significance_level,
        method,
        cast(expected_target_share as decimal(9, 6)) as expected_target_share,
        {{ ratio('target_accounts', 'target_accounts + control_accounts') }} as target_share,
        cast(sample_ratio_p_value as decimal(18, 6)) as sample_ratio_p_value,
        has_sample_ratio_mismatch,
        minimum_accounts,
        cast(smallest_effect as decimal(18, 6)) as smallest_effect,
        cast(detectable_effect as decimal(18, 6)) as detectable_effect,
        required_accounts,
        result,
        result_reason
    from judged
)

select * from final
