-- Every change of a unit's MRR by its type (docs/mrr_rules.md 8): first what exchange rates did,
-- then the rest. One row per policy, unit, day and type.
with changes as (
    select * from {{ ref('int_unit_mrr_changes') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

with_past as (
    select
        changes.*,
        policies.reactivation_window_days,
        max(case when changes.is_present_before and not changes.is_present_after
            then changes.change_date end
        ) over (
            partition by changes.policy_id, changes.unit_id
            order by changes.change_date
            rows between unbounded preceding and 1 preceding
        ) as last_churn_date
    from changes
    inner join policies
        on changes.policy_id = policies.policy_id
),

typed as (
    select
        policy_id,
        series_id,
        unit_id,
        change_date,
        compared_date,
        'fx' as movement_type,
        mrr_before,
        mrr_revalued as mrr_after
    from with_past
    where mrr_before <> mrr_revalued
    union all
    select
        policy_id,
        series_id,
        unit_id,
        change_date,
        compared_date,
        case
            when not is_present_before and last_churn_date is null then 'new'
            when not is_present_before
                and {{ days_between('last_churn_date', 'change_date') }} > reactivation_window_days
                then 'new'
            when not is_present_before then 'reactivation'
            when not is_present_after then 'churn'
            when mrr_after > mrr_revalued then 'expansion'
            else 'contraction'
        end as movement_type,
        mrr_revalued as mrr_before,
        mrr_after
    from with_past
    where mrr_revalued <> mrr_after
        or is_present_before <> is_present_after
),

final as (
    select
        md5(
            policy_id || '|' || unit_id || '|' || cast(change_date as {{ dbt.type_string() }})
            || '|' || movement_type
        ) as movement_id,
        policy_id,
        series_id,
        unit_id,
        change_date as movement_date,
        compared_date,
        movement_type,
        mrr_before,
        mrr_after,
        mrr_after - mrr_before as mrr_change
    from typed
)

select * from final
