-- When all conditions of a trigger hold of an account, seen up to the as-of date. One row per
-- trigger, version, account and stretch [from_date, to_date).
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
        conditions.valid_from,
        conditions.comparator,
        conditions.threshold,
        conditions.needed_count
    from signals
    inner join conditions
        on signals.signal = conditions.signal
),

held as (
    select
        trigger_key,
        valid_from,
        account_id,
        needed_count,
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
        held_by_now.valid_from,
        held_by_now.account_id,
        held_by_now.needed_count
    from held_by_now
    inner join conditions
        on held_by_now.trigger_key = conditions.trigger_key
        and held_by_now.valid_from = conditions.valid_from
        and conditions.condition_number = 1
        and conditions.is_in_service_only
    group by
        held_by_now.trigger_key,
        held_by_now.valid_from,
        held_by_now.account_id,
        held_by_now.needed_count
),

together as (
    select trigger_key, valid_from, account_id, needed_count, from_date, to_date
    from held_by_now
    union all
    select
        concerned.trigger_key,
        concerned.valid_from,
        concerned.account_id,
        concerned.needed_count,
        service.from_date,
        service.to_date
    from concerned
    inner join service
        on concerned.account_id = service.account_id
),

changes as (
    select
        trigger_key,
        valid_from,
        account_id,
        needed_count,
        from_date as change_date,
        1 as change
    from together
    union all
    select trigger_key, valid_from, account_id, needed_count, to_date, -1
    from together
    where to_date <= {{ as_of_date() }}
),

levels as (
    {{ swept_levels('changes', ['trigger_key', 'valid_from', 'account_id', 'needed_count']) }}
),

all_held as (
    select *
    from levels
    where level = needed_count
),

final as (
    {{ merged_stretches('all_held', ['trigger_key', 'valid_from', 'account_id']) }}
)

select * from final
