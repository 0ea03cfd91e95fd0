-- Stretches in which a trigger has held long enough to fire, within its validity and segment, in
-- order. One row per trigger, account and stretch.
with holds as (
    select * from {{ ref('int_trigger_holds') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

ripened as (
    select
        holds.trigger_key,
        holds.valid_from,
        holds.account_id,
        holds.from_date,
        -- A version that has ended holds no more.
        least(holds.to_date, triggers.valid_to) as to_date,
        least(holds.to_date, triggers.valid_to) as fires_before_date,
        greatest(
            {{ add_days('holds.from_date', 'triggers.for_days') }}, triggers.valid_from
        ) as ripe_date,
        triggers.cooldown_days
    from holds
    inner join triggers
        on holds.trigger_key = triggers.trigger_key
        and holds.valid_from = triggers.valid_from
    inner join accounts
        on holds.account_id = accounts.account_id
        and accounts.segment = coalesce(triggers.segment, accounts.segment)
),

final as (
    select
        *,
        row_number() over (
            partition by trigger_key, account_id order by ripe_date
        ) as stretch_number
    from ripened
    where ripe_date < fires_before_date
        and ripe_date <= {{ as_of_date() }}
)

select * from final
