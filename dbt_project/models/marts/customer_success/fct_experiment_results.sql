with experiments as (
    select * from {{ ref('stg_success__experiments') }}
    where is_current
),

rules as (
    select * from {{ ref('experiment_rules') }}
),

tested as (
    select * from {{ ref('int_experiments_tested') }}
),

member_counts as (
    select
        experiment_id,
        count(*) as assigned_accounts,
        sum(case when variant = 'target' then 1 else 0 end) as target_accounts,
        sum(case when variant = 'control' then 1 else 0 end) as control_accounts,
        sum(case when is_contaminated then 1 else 0 end) as contaminated_accounts,
        min(before_from_date) as before_from_date,
        max(after_to_date) as after_to_date
    from {{ ref('int_experiment_members') }}
    group by experiment_id
),

joined as (
    select
        experiments.experiment_id,
        experiments.experiment_name,
        experiments.hypothesis,
        experiments.kpi,
        experiments.started_on,
        experiments.ended_on,
        experiments.expected_target_share,
        rules.unit,
        rules.minimum_accounts,
        rules.significance_level,
        member_counts.before_from_date,
        member_counts.after_to_date,
        coalesce(member_counts.assigned_accounts, 0) as assigned_accounts,
        coalesce(member_counts.target_accounts, 0) as target_accounts,
        coalesce(member_counts.control_accounts, 0) as control_accounts,
        coalesce(member_counts.contaminated_accounts, 0) as contaminated_accounts,
        tested.target_measured,
        tested.control_measured,
        least(tested.target_measured, tested.control_measured) as smaller_group,
        tested.target_before,
        tested.target_after,
        tested.control_before,
        tested.control_after,
        tested.effect,
        tested.effect_low,
        tested.effect_high,
        tested.p_value,
        tested.method,
        tested.sample_ratio_p_value,
        coalesce(
            tested.sample_ratio_p_value < rules.sample_ratio_significance, false
        ) as has_sample_ratio_mismatch,
        tested.smallest_effect,
        tested.detectable_effect,
        tested.required_accounts,
        -- Every account's days are over; to look earlier and stop would call chance an effect.
        experiments.ended_on <= {{ as_of_date() }}
        and coalesce(member_counts.after_to_date, experiments.ended_on)
        <= {{ add_days(as_of_date(), 1) }} as is_over
    from experiments
    inner join tested
        on experiments.experiment_id = tested.experiment_id
    left join rules
        on experiments.kpi = rules.kpi
    left join member_counts
        on experiments.experiment_id = member_counts.experiment_id
),

judged as (
    select
        *,
        case
            when not coalesce(is_over, false) then 'still_running'
            when has_sample_ratio_mismatch then 'sample_ratio_mismatch'
            when coalesce(smaller_group < minimum_accounts, true) then 'too_few_accounts'
            when p_value is null then 'no_variation'
            when p_value < significance_level then 'significant'
            when required_accounts > smaller_group then 'too_few_for_a_small_effect'
            else 'not_significant'
        end as result_reason
    from joined
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
        case
            when result_reason = 'significant' and effect > 0 then 'target_better'
            when result_reason = 'significant' then 'control_better'
            when result_reason = 'not_significant' then 'no_difference_shown'
            else 'not_enough_data'
        end as result,
        result_reason
    from judged
)

select * from final
