-- The conditions of the triggers that are switched on, numbered. One row per trigger, version and
-- condition.
with triggers as (
    select * from {{ ref('int_triggers') }}
),

conditions as (
    select * from {{ ref('triggers') }}
    where enabled
),

final as (
    select
        triggers.trigger_key,
        triggers.valid_from,
        conditions.signal,
        conditions.comparator,
        conditions.threshold,
        row_number() over (
            partition by triggers.trigger_key, triggers.valid_from
            order by conditions.signal, conditions.comparator, conditions.threshold
        ) as condition_number,
        triggers.condition_count
        + case when triggers.is_in_service_only then 1 else 0 end as needed_count,
        triggers.is_in_service_only
    from triggers
    inner join conditions
        on triggers.trigger_key = conditions.trigger_key
        and triggers.valid_from = conditions.valid_from
)

select * from final
