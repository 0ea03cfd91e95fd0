-- Every experiment with its statistics and what they amount to (docs/customer_success_rules.md 1).
-- One row per experiment.
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
        *,
        case
            when result_reason = 'significant' and effect > 0 then 'target_better'
            when result_reason = 'significant' then 'control_better'
            when result_reason = 'not_significant' then 'no_difference_shown'
            else 'not_enough_data'
        end as result
    from judged
)

select * from final
