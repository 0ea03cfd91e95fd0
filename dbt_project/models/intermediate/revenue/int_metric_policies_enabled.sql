-- One row per enabled policy, its switches typed (metrics.md 3).
with computations as (
    select * from {{ ref('int_metric_policy_computations') }}
),

final as (
    select {{ all_but(none, [
        'is_ladder_step', 'from_policy_id', 'to_policy_id', 'switch_number', 'switch'
    ]) }}
    from computations
    where not is_ladder_step
)

select * from final
