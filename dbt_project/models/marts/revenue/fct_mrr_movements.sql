with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

units as (
    select * from {{ ref('int_units') }}
),

effects as (
    select * from {{ ref('int_mrr_movement_effects') }}
),

causes as (
    select * from {{ ref('int_mrr_churn_causes') }}
),

sources as (
    select * from {{ ref('int_mrr_movement_sources') }}
),

-- A smoothed absence is one change from before it to after it.
native as (
    select
        movements.movement_id,
        sum(changes.native_after - changes.native_before) as native_change
    from movements
    inner join {{ ref('int_unit_native_mrr_changes') }} as changes
        on movements.series_id = changes.series_id
        and movements.unit_id = changes.unit_id
        and changes.change_date between movements.compared_date and movements.movement_date
    group by movements.movement_id
),

final as (
    select
        movements.movement_id,
        movements.policy_id,
        units.customer_id,
        units.subscription_id,
        movements.movement_date,
        {{ first_of_month('movements.movement_date') }} as month,
        movements.movement_type,
        cast(movements.mrr_before as decimal(18, 4)) as mrr_before,
        cast(movements.mrr_after as decimal(18, 4)) as mrr_after,
        cast(movements.mrr_change as decimal(18, 4)) as mrr_change,
        units.currency,
        cast(
            case
                when units.currency is null then null
                when movements.movement_type = 'fx' then 0
                -- The inner rounding recovers exact halves, as in to_cents.
                else round(coalesce(native.native_change, 0), 10)
            end as decimal(18, 4)
        ) as mrr_change_native,
        cast(effects.quantity_effect as decimal(18, 4)) as quantity_effect,
        cast(effects.price_effect as decimal(18, 4)) as price_effect,
        cast(effects.plan_effect as decimal(18, 4)) as plan_effect,
        cast(effects.discount_effect as decimal(18, 4)) as discount_effect,
        case
            when movements.movement_type = 'churn'
                then coalesce(causes.churn_type, 'voluntary')
        end as churn_type,
        case
            when movements.movement_type = 'churn'
                then coalesce(causes.churn_reason, 'unknown')
        end as churn_reason,
        causes.churn_feedback,
        sources.source_ids
    from movements
    inner join units
        on movements.policy_id = units.policy_id
        and movements.unit_id = units.unit_id
    left join effects
        on movements.movement_id = effects.movement_id
    left join causes
        on movements.movement_id = causes.movement_id
    left join sources
        on movements.movement_id = sources.movement_id
    left join native
        on movements.movement_id = native.movement_id
)

select * from final
