-- Customers won and what they began with. One row per policy, month and channel in which one was
-- won.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
    where movement_type = 'new'
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

final as (
    select
        movements.policy_id,
        {{ first_of_month('movements.movement_date') }} as month,
        segments.channel,
        count(*) as customers_won,
        sum(movements.mrr_change) as new_mrr
    from movements
    inner join segments
        on movements.policy_id = segments.policy_id
        and movements.unit_id = segments.unit_id
    group by
        movements.policy_id,
        {{ first_of_month('movements.movement_date') }},
        segments.channel
)

select * from final
