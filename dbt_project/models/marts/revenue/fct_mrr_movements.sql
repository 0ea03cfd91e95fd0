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

native as (
    select
        policy_id,
        unit_id,
        change_date,
        sum(native_after - native_before) as native_change
    from {{ ref('int_unit_native_mrr_changes') }}
    group by
        policy_id,
        unit_id,
        change_date
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
                else coalesce(native.native_change, 0)
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
        on movements.policy_id = native.policy_id
        and movements.unit_id = native.unit_id
        and movements.movement_date = native.change_date
)

select * from final
