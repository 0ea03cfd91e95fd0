-- Firings: one per episode. An episode begins when a trigger has held for its days and ends when it
-- clears; inside the cooldown of the last firing the next episode waits, and fires when the
-- cooldown is over if it still holds then (docs/signal_rules.md 4). One row per trigger, account
-- and firing.
with recursive stretches as (
    select * from {{ ref('int_trigger_stretches') }}
),

walked as (
    select
        trigger_key,
        account_id,
        stretch_number,
        ripe_date as fired_date,
        ripe_date as last_fired_date
    from stretches
    where stretch_number = 1
    union all
    select
        next_stretch.trigger_key,
        next_stretch.account_id,
        next_stretch.stretch_number,
        case when next_stretch.is_fired then next_stretch.next_date end as fired_date,
        case when next_stretch.is_fired then next_stretch.next_date
            else next_stretch.last_fired_date
        end as last_fired_date
    from (
        select
            candidates.*,
            next_date < fires_before_date and next_date <= {{ as_of_date() }} as is_fired
        from (
            select
                stretches.trigger_key,
                stretches.account_id,
                stretches.stretch_number,
                stretches.fires_before_date,
                walked.last_fired_date,
                greatest(
                    stretches.ripe_date,
                    {{ add_days('walked.last_fired_date', 'stretches.cooldown_days') }}
                ) as next_date
            from walked
            inner join stretches
                on walked.trigger_key = stretches.trigger_key
                and walked.account_id = stretches.account_id
                and walked.stretch_number + 1 = stretches.stretch_number
        ) as candidates
    ) as next_stretch
),

final as (
    select
        walked.trigger_key,
        walked.account_id,
        stretches.valid_from,
        walked.fired_date,
        stretches.from_date as held_from_date,
        case when stretches.to_date <= {{ as_of_date() }} then stretches.to_date end
            as cleared_date,
        row_number() over (
            partition by walked.trigger_key, walked.account_id order by walked.fired_date
        ) as episode_number
    from walked
    inner join stretches
        on walked.trigger_key = stretches.trigger_key
        and walked.account_id = stretches.account_id
        and walked.stretch_number = stretches.stretch_number
    where walked.fired_date is not null
)

select * from final
