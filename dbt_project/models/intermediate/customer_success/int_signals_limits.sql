-- Signals of how near an account is to what it has bought. One row per account, signal and
-- interval.
with measured as (
    select
        account_id,
        limit_key,
        measured_date,
        max(used_value) as used_value,
        max(limit_value) as limit_value
    from {{ ref('stg_product__entitlements') }}
    where limit_value > 0
    group by
        account_id,
        limit_key,
        measured_date
),

-- A measurement stands until the next one of that limit, at most for 62 days.
limits as (
    select
        account_id,
        limit_key,
        {{ ratio('used_value', 'limit_value') }} as utilisation,
        used_value >= limit_value as is_hit,
        measured_date as from_date,
        least(
            coalesce(
                lead(measured_date) over (
                    partition by account_id, limit_key order by measured_date
                ),
                {{ end_of_time() }}
            ),
            {{ add_days('measured_date', 62) }}
        ) as to_date
    from measured
),

boundaries as (
    select account_id, from_date as boundary_date
    from limits
    union
    select account_id, to_date
    from limits
),

stretches as (
    select
        account_id,
        boundary_date as from_date,
        lead(boundary_date) over (partition by account_id order by boundary_date) as to_date
    from boundaries
),

-- The limit that is nearest.
ranked as (
    select
        stretches.account_id,
        stretches.from_date,
        stretches.to_date,
        limits.limit_key,
        limits.utilisation,
        row_number() over (
            partition by stretches.account_id, stretches.from_date
            order by limits.utilisation desc, limits.limit_key
        ) as nearness
    from stretches
    inner join limits
        on stretches.account_id = limits.account_id
        and stretches.from_date >= limits.from_date
        and stretches.from_date < limits.to_date
    where stretches.to_date is not null
),

hit_changes as (
    select account_id, from_date as change_date, case when is_hit then 1 else 0 end as change
    from limits
    union all
    select account_id, {{ add_days('from_date', 28) }}, -1
    from limits
    where is_hit
),

hits as (
    {{ swept_levels('hit_changes', ['account_id']) }}
),

final as (
    select
        account_id,
        {{ signal_columns('limit_utilisation', 'utilisation', detail='limit_key') }}
    from ranked
    where nearness = 1
    union all
    select account_id, {{ signal_columns('limit_hits_28d', 'level') }}
    from hits
)

select * from final
