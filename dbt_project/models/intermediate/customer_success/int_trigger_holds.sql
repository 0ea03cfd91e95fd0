-- When all conditions of a trigger hold of an account, seen up to the as-of date. One row per
-- trigger, account and stretch [from_date, to_date).
with conditions as (
    select * from {{ ref('int_trigger_conditions') }}
),

signals as (
    select * from {{ ref('int_signal_intervals') }}
),

service as (
    select * from {{ ref('int_account_service') }}
),

compared as (
    select
        signals.account_id,
        signals.from_date,
        signals.to_date,
        signals.value,
        signals.slope,
        conditions.trigger_key,
        conditions.comparator,
        conditions.threshold,
        conditions.condition_count
    from signals
    inner join conditions
        on signals.signal = conditions.signal
),

held as (
    select
        trigger_key,
        account_id,
        condition_count,
        {{ hold_from_date() }} as from_date,
        {{ hold_to_date() }} as to_date
    from compared
    where {{ compares() }}
),

held_by_now as (
    select *
    from held
    where from_date < to_date
        and from_date <= {{ as_of_date() }}
),

concerned as (
    select
        held_by_now.trigger_key,
        held_by_now.account_id,
        held_by_now.condition_count
    from held_by_now
    inner join conditions
        on held_by_now.trigger_key = conditions.trigger_key
        and conditions.condition_number = 1
        and conditions.is_in_service_only
    group by
        held_by_now.trigger_key,
        held_by_now.account_id,
        held_by_now.condition_count
),

together as (
    select trigger_key, account_id, condition_count, from_date, to_date
    from held_by_now
    union all
    select
        concerned.trigger_key,
        concerned.account_id,
        concerned.condition_count,
        service.from_date,
        service.to_date
    from concerned
    inner join service
        on concerned.account_id = service.account_id
),

changes as (
    select trigger_key, account_id, condition_count, from_date as change_date, 1 as change
    from together
    union all
    select trigger_key, account_id, condition_count, to_date, -1
    from together
    where to_date <= {{ as_of_date() }}
),

levels as (
    {{ swept_levels('changes', ['trigger_key', 'account_id', 'condition_count']) }}
),

all_held as (
    select *
    from levels
    where level = condition_count
),

final as (
    {{ merged_stretches('all_held', ['trigger_key', 'account_id']) }}
)

select * from final
