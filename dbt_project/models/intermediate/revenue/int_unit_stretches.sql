-- From when to when a unit is present, and what it pays: its changes as stretches
-- [from_date, to_date). One row per policy, unit and stretch.
with changes as (
    select * from {{ ref('int_unit_mrr_changes') }}
),

stretches as (
    select
        policy_id,
        unit_id,
        change_date as from_date,
        coalesce(
            lead(change_date) over (partition by policy_id, unit_id order by change_date),
            {{ end_of_time() }}
        ) as to_date,
        mrr_after as mrr,
        is_present_after
    from changes
),

final as (
    select
        policy_id,
        unit_id,
        from_date,
        to_date,
        mrr
    from stretches
    where is_present_after
)

select * from final
