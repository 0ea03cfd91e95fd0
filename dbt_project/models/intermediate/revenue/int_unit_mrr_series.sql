-- The MRR of a unit in the reporting currency, rounded once, where it changes (docs/mrr_rules.md
-- 7). One row per policy, unit and day.
with policies as (
    select * from {{ ref('int_metric_policy_computations') }}
),

summed as (
    select * from {{ ref('int_unit_mrr_summed') }}
),

summed_units as (
    select
        policy_id,
        unit_id
    from summed
    group by
        policy_id,
        unit_id
),

-- Nearly all units: what one currency says is all there is, so nothing has to be summed.
read_off as (
    select
        valued.policy_id,
        valued.unit_id,
        valued.change_date,
        -- Null: as before.
        case
            when valued.native_before = valued.native_after
                then {{ to_cents('valued.native_after * coalesce(valued.rate, 0)') }}
            when valued.currency <> '{{ var("reporting_currency") }}'
                then {{ to_cents('valued.native_before * coalesce(valued.rate, 0)') }}
        end as mrr_revalued,
        {{ to_cents('valued.native_after * coalesce(valued.rate, 0)') }} as mrr_after
    from {{ ref('int_unit_mrr_valued') }} as valued
    inner join policies
        on valued.policy_id = policies.policy_id
        and policies.zero_mrr_customer = 'churned'
    left join summed_units
        on valued.policy_id = summed_units.policy_id
        and valued.unit_id = summed_units.unit_id
    where summed_units.unit_id is null
),

days as (
    select policy_id, unit_id, change_date, mrr_revalued, mrr_after, mrr_after > 0
        as is_present_after
    from read_off
    union all
    select policy_id, unit_id, change_date, mrr_revalued, mrr_after, is_present_after
    from summed
),

with_before as (
    select
        policy_id,
        unit_id,
        change_date,
        coalesce(lag(mrr_after) over unit_history, 0) as mrr_before,
        mrr_revalued,
        mrr_after,
        coalesce(lag(is_present_after) over unit_history, false) as is_present_before,
        is_present_after
    from days
    window unit_history as (partition by policy_id, unit_id order by change_date)
),

final as (
    select
        policy_id,
        unit_id,
        change_date,
        mrr_before,
        coalesce(mrr_revalued, mrr_before) as mrr_revalued,
        mrr_after,
        is_present_before,
        is_present_after
    from with_before
    where mrr_before <> coalesce(mrr_revalued, mrr_before)
        or coalesce(mrr_revalued, mrr_before) <> mrr_after
        or is_present_before <> is_present_after
)

select * from final
