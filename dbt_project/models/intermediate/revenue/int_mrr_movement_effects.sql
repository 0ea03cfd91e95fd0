-- Expansions and contractions split over their causes, summing to the cent (docs/mrr_rules.md 8).
-- One row per movement of these types.
with movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
    where movement_type in ('expansion', 'contraction')
),

unit_items as (
    select * from {{ ref('int_unit_items') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

first_rates as (
    select
        currency,
        from_date
    from {{ ref('int_fx_rate_intervals') }}
    where is_first
),

prices as (
    select * from {{ ref('int_price_versions') }}
),

tiered_amounts as (
    select * from {{ ref('int_tiered_amounts') }}
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
),

native_changes as (
    select * from {{ ref('int_unit_native_mrr_changes') }}
),

items_before as (
    select
        movements.movement_id,
        unit_items.*
    from movements
    inner join unit_items
        on movements.policy_id = unit_items.policy_id
        and movements.unit_id = unit_items.unit_id
        and unit_items.from_date < movements.compared_date
        and unit_items.to_date between movements.compared_date and movements.movement_date
),

items_after as (
    select
        movements.movement_id,
        unit_items.*
    from movements
    inner join unit_items
        on movements.policy_id = unit_items.policy_id
        and movements.unit_id = unit_items.unit_id
        and unit_items.from_date between movements.compared_date and movements.movement_date
        and unit_items.to_date > movements.movement_date
),

compared as (
    select
        coalesce(items_before.movement_id, items_after.movement_id) as movement_id,
        coalesce(items_before.currency, items_after.currency) as currency,
        coalesce(items_before.item_kind, items_after.item_kind) as item_kind,
        coalesce(items_before.mrr_basis, items_after.mrr_basis) as mrr_basis,
        items_before.movement_id is not null and items_after.movement_id is not null as is_kept,
        items_before.movement_id is not null
        and items_after.movement_id is not null
        and coalesce(items_before.price_id, '') = coalesce(items_after.price_id, '')
            as has_same_price,
        items_before.quantity as quantity_before,
        items_after.quantity as quantity_after,
        coalesce(items_before.gross_mrr, 0) as gross_before,
        coalesce(items_after.gross_mrr, 0) as gross_after,
        coalesce(items_before.net_mrr, 0) as net_before,
        coalesce(items_after.net_mrr, 0) as net_after,
        -- What the new quantity would have cost per period at the old price.
        case
            when prices.billing_scheme = 'tiered' then coalesce(tiered_amounts.period_amount, 0)
            else {{ period_amount('prices.unit_amount', 'items_after.quantity') }}
        end as period_amount_requantified,
        {{ factor_parts('prices.billing_interval', 'prices.interval_count', 'variants') }}
    from items_before
    full outer join items_after
        on items_before.movement_id = items_after.movement_id
        and items_before.subscription_item_id = items_after.subscription_item_id
        and items_before.item_kind = items_after.item_kind
        and items_before.currency = items_after.currency
    left join prices
        on items_before.price_id = prices.price_id
        and items_before.price_version = prices.price_version
    left join tiered_amounts
        on items_before.price_id = tiered_amounts.price_id
        and items_before.price_version = tiered_amounts.price_version
        and items_after.quantity = tiered_amounts.quantity
    left join variants
        on items_before.variant_id = variants.variant_id
),

-- The same in a month.
requantified as (
    select
        *,
        case
            when not is_kept or quantity_before = quantity_after then gross_before
            when mrr_basis = 'invoice' and has_same_price then gross_after
            when mrr_basis = 'invoice' then gross_before
            when quantity_before > 0
                then {{ scaled_amount(
                    'period_amount_requantified', 'factor_numerator', 'factor_denominator'
                ) }}
            -- From nothing: all of it is quantity where the price stayed.
            when has_same_price then gross_after
            else gross_before
        end as gross_requantified
    from compared
),

item_effects as (
    select
        movement_id,
        currency,
        case
            when item_kind = 'metered' then net_after - net_before
            else gross_requantified - gross_before
        end as quantity_change,
        case
            when item_kind <> 'metered' and has_same_price
                then gross_after - gross_requantified
            else 0
        end as price_change,
        case
            when item_kind <> 'metered' and not has_same_price
                then gross_after - gross_requantified
            else 0
        end as plan_change,
        case
            when item_kind = 'metered' then 0
            else (net_after - gross_after) - (net_before - gross_before)
        end as discount_change
    from requantified
),

-- Rates of the movement's day; a currency may be touched though its sum did not change.
valuations as (
    select
        movements.movement_id,
        currencies.currency,
        {{ valuation_date(
            'policies', 'movements.movement_date',
            'coalesce(native_changes.change_date, movements.movement_date)',
            'first_rates.from_date'
        ) }} as valuation_date
    from movements
    inner join policies
        on movements.policy_id = policies.policy_id
    inner join (
        select
            movement_id,
            currency
        from item_effects
        group by
            movement_id,
            currency
    ) as currencies
        on movements.movement_id = currencies.movement_id
    left join native_changes
        on movements.series_id = native_changes.series_id
        and movements.unit_id = native_changes.unit_id
        and currencies.currency = native_changes.currency
        and movements.movement_date >= native_changes.change_date
        and movements.movement_date
            < coalesce(native_changes.next_change_date, {{ end_of_time() }})
    left join first_rates
        on currencies.currency = first_rates.currency
),

valued as (
    select
        valuations.movement_id,
        valuations.currency,
        case
            when valuations.currency = '{{ var("reporting_currency") }}' then 1
            else rates.rate
        end as rate
    from valuations
    left join rates
        on valuations.currency = rates.currency
        and valuations.valuation_date = rates.valuation_date
),

native_effects as (
    select
        movement_id,
        currency,
        sum(quantity_change) as quantity_change,
        sum(price_change) as price_change,
        sum(plan_change) as plan_change,
        sum(discount_change) as discount_change
    from item_effects
    group by
        movement_id,
        currency
),

in_reporting_currency as (
    select
        native_effects.movement_id,
        {%- for effect in ['quantity', 'price', 'plan', 'discount'] %}
        sum({{ at_rate('native_effects.' ~ effect ~ '_change', 'valued.rate') }})
            as {{ effect }}_change{{ ',' if not loop.last }}
        {%- endfor %}
    from native_effects
    inner join valued
        on native_effects.movement_id = valued.movement_id
        and native_effects.currency = valued.currency
    group by native_effects.movement_id
),

rounded as (
    select
        movements.movement_id,
        movements.mrr_change,
        coalesce({{ to_cents('in_reporting_currency.quantity_change') }}, 0) as quantity_effect,
        coalesce({{ to_cents('in_reporting_currency.price_change') }}, 0) as price_effect,
        coalesce({{ to_cents('in_reporting_currency.plan_change') }}, 0) as plan_effect,
        coalesce({{ to_cents('in_reporting_currency.discount_change') }}, 0) as discount_effect
    from movements
    left join in_reporting_currency
        on movements.movement_id = in_reporting_currency.movement_id
),

-- What rounding (and refunds, which are a discount) left over goes to the greatest effect.
with_rest as (
    select
        *,
        mrr_change - quantity_effect - price_effect - plan_effect - discount_effect as rest,
        greatest(
            abs(quantity_effect), abs(price_effect), abs(plan_effect), abs(discount_effect)
        ) as greatest_effect
    from rounded
),

assigned as (
    select
        *,
        case
            when abs(quantity_effect) = greatest_effect then 'quantity'
            when abs(price_effect) = greatest_effect then 'price'
            when abs(plan_effect) = greatest_effect then 'plan'
            else 'discount'
        end as rest_goes_to
    from with_rest
),

final as (
    select
        movement_id,
        quantity_effect + case when rest_goes_to = 'quantity' then rest else 0 end
            as quantity_effect,
        price_effect + case when rest_goes_to = 'price' then rest else 0 end as price_effect,
        plan_effect + case when rest_goes_to = 'plan' then rest else 0 end as plan_effect,
        discount_effect + case when rest_goes_to = 'discount' then rest else 0 end
            as discount_effect
    from assigned
)

select * from final
