-- The triggers that are switched on. The rows of seed triggers that have one key and begin on one
-- day are the conditions of one version of a trigger, and agree in everything else (checked at the
-- start of a run). One row per trigger and version; `is_current` marks the last version.
with conditions as (
    select * from {{ ref('triggers') }}
    where enabled
),

signals as (
    select * from {{ ref('signals') }}
),

versions as (
    select
        conditions.trigger_key,
        conditions.valid_from,
        coalesce(min(conditions.valid_to), {{ end_of_time() }}) as valid_to,
        min(conditions.for_days) as for_days,
        min(conditions.cooldown_days) as cooldown_days,
        min(conditions.severity) as severity,
        min(conditions.direction) as direction,
        min(conditions.owner_role) as owner_role,
        min(conditions.playbook_key) as playbook_key,
        min(conditions.segment) as segment,
        count(*) as condition_count,
        -- All its signals speak of accounts in service only: being in service is one more
        -- condition.
        min(case when signals.scope = 'in_service' then 1 else 0 end) = 1 as is_in_service_only
    from conditions
    inner join signals
        on conditions.signal = signals.signal
    group by
        conditions.trigger_key,
        conditions.valid_from
),

final as (
    select
        *,
        lead(valid_from) over (partition by trigger_key order by valid_from) is null as is_current
    from versions
)

select * from final
