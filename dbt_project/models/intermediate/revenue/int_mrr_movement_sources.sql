-- The raw rows behind a movement: what began or ended for the unit on that day, or the rates that
-- moved it. One row per movement; ids read `<source>.<table>/<key>`.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
),

unit_items as (
    select * from {{ ref('int_unit_items') }}
),

valued as (
    select * from {{ ref('int_unit_mrr_valued') }}
),

discounts as (
    select * from {{ ref('int_discount_windows') }}
),


touched as (
    select
        policy_id,
        unit_id,
        from_date as change_date,
        subscription_item_id,
        subscription_id,
        item_kind
    from unit_items
    union all
    select policy_id, unit_id, to_date, subscription_item_id, subscription_id, item_kind
    from unit_items
),

movement_items as (
    select
        movements.movement_id,
        movements.movement_date,
        touched.subscription_item_id,
        touched.subscription_id,
        touched.item_kind
    from movements
    inner join touched
        on movements.policy_id = touched.policy_id
        and movements.unit_id = touched.unit_id
        and movements.movement_date = touched.change_date
    where movements.movement_type <> 'fx'
    group by all
),

sources as (
    select
        movement_id,
        case item_kind
            when 'unattached' then 'billing.invoice_line_items/'
            else 'billing.subscription_items/'
        end || subscription_item_id as source_id
    from movement_items
    where item_kind <> 'refund'
    union all
    select movement_id, 'billing.subscriptions/' || subscription_id
    from movement_items
    where subscription_id is not null
    union all
    select movement_items.movement_id, 'billing.discounts/' || discounts.discount_id
    from movement_items
    inner join discounts
        on movement_items.subscription_id = discounts.subscription_id
        and movement_items.movement_date >= discounts.start_date
    union all
    select
        movements.movement_id,
        'finance.fx_rates/' || valued.currency || '/'
        || cast(valued.valuation_date as {{ dbt.type_string() }})
    from movements
    inner join valued
        on movements.policy_id = valued.policy_id
        and movements.unit_id = valued.unit_id
        and movements.movement_date = valued.change_date
    where movements.movement_type = 'fx'
        and valued.currency <> '{{ var("reporting_currency") }}'
),

final as (
    select
        movement_id,
        {{ sorted_list('source_id') }} as source_ids
    from sources
    group by movement_id
)

select * from final
