-- Stretches in which a trigger has held long enough to fire, within its validity and segment, in
-- order. One row per trigger, account and stretch.
with holds as (
    select * from {{ ref('int_trigger_holds') }}
),

-- All conditions of a trigger say the same here (checked at the start of a run).
triggers as (
    select
        trigger_key,
        max(for_days) as for_days,
        max(cooldown_days) as cooldown_days,
        max(segment) as segment,
        max(valid_from) as valid_from,
        coalesce(min(valid_to), {{ end_of_time() }}) as valid_to
    from {{ ref('triggers') }}
    where enabled
    group by trigger_key
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

ripened as (
    select
        holds.trigger_key,
        holds.account_id,
        holds.from_date,
        holds.to_date,
        least(holds.to_date, triggers.valid_to) as fires_before_date,
        greatest(
            {{ add_days('holds.from_date', 'triggers.for_days') }}, triggers.valid_from
        ) as ripe_date,
        triggers.cooldown_days
    from holds
    inner join triggers
        on holds.trigger_key = triggers.trigger_key
    inner join accounts
        on holds.account_id = accounts.account_id
        and accounts.segment = coalesce(triggers.segment, accounts.segment)
),

final as (
    select
        *,
        row_number() over (
            partition by trigger_key, account_id order by from_date
        ) as stretch_number
    from ripened
    where ripe_date < fires_before_date
        and ripe_date <= {{ as_of_date() }}
)

select * from final
