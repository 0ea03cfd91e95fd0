-- The conditions of the triggers that are switched on, numbered. One row per trigger and condition.
with triggers as (
    select * from {{ ref('triggers') }}
    where enabled
),

signals as (
    select * from {{ ref('signals') }}
),

final as (
    select
        triggers.trigger_key,
        triggers.signal,
        triggers.comparator,
        triggers.threshold,
        row_number() over (
            partition by triggers.trigger_key
            order by triggers.signal, triggers.comparator, triggers.threshold
        ) as condition_number,
        -- Being in service is one more condition, where all its signals say so.
        count(*) over (partition by triggers.trigger_key)
        + min(case when signals.scope = 'in_service' then 1 else 0 end) over (
            partition by triggers.trigger_key
        ) as condition_count,
        min(case when signals.scope = 'in_service' then 1 else 0 end) over (
            partition by triggers.trigger_key
        ) = 1 as is_in_service_only
    from triggers
    inner join signals
        on triggers.signal = signals.signal
)

select * from final
