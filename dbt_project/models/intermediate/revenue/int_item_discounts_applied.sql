-- Items of customers with discounts, cut wherever anything changes for that customer, with the
-- discounts in force on each piece in their order (docs/mrr_rules.md 4).
with gross as (
    select * from {{ ref('int_item_gross_mrr_intervals') }}
),

discounts as (
    select * from {{ ref('int_discount_windows') }}
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

-- A subscription's discount touches its items, a customer's the items of all its subscriptions.
discounts_by_subscription as (
    select
        discounts.*,
        discounts.subscription_id as target_subscription_id
    from discounts
    where discounts.subscription_id is not null
    union all
    select
        discounts.*,
        subscriptions.subscription_id as target_subscription_id
    from discounts
    inner join (
        select
            customer_id,
            subscription_id
        from gross
        group by
            customer_id,
            subscription_id
    ) as subscriptions
        on discounts.customer_id = subscriptions.customer_id
    where discounts.subscription_id is null
),

-- Discounts that a variant counts, with the items that they can touch.
applicable as (
    select
        gross.variant_id,
        gross.customer_id,
        gross.subscription_id,
        gross.subscription_item_id,
        gross.from_date as item_from_date,
        gross.to_date as item_to_date,
        discounts.discount_id,
        discounts.start_at,
        discounts.start_date,
        discounts.subscription_id is null as is_on_customer,
        discounts.percent_off,
        cast(
            discounts.amount_off_minor * {{ minor_unit('currencies.minor_unit_exponent') }}
            as decimal(28, 8)
        ) as amount_off,
        gross.factor_numerator,
        gross.factor_denominator,
        greatest(gross.from_date, discounts.from_date) as from_date,
        least(
            gross.to_date,
            discounts.to_date,
            case
                when discounts.duration <> 'once' then discounts.window_to_date
                when gross.billing_interval = 'year'
                    then {{ add_months('discounts.start_date', '12 * gross.interval_count') }}
                when gross.billing_interval = 'month'
                    then {{ add_months('discounts.start_date', 'gross.interval_count') }}
                when gross.billing_interval = 'week'
                    then {{ add_days('discounts.start_date', '7 * gross.interval_count') }}
                else {{ add_days('discounts.start_date', 'gross.interval_count') }}
            end
        ) as to_date
    from gross
    inner join variants
        on gross.variant_id = variants.variant_id
        and variants.mrr_basis = 'subscription'
    inner join discounts_by_subscription as discounts
        on gross.subscription_id = discounts.target_subscription_id
        and case variants.discounts
            when 'all' then true
            when 'recurring' then discounts.duration in ('forever', 'repeating')
            when 'forever' then discounts.duration = 'forever'
            else false
        end
    left join currencies
        on gross.currency = currencies.currency
    where discounts.percent_off is not null
        or (
            discounts.amount_off_minor is not null
            and coalesce(discounts.currency, gross.currency) = gross.currency
        )
),

in_force as (
    select * from applicable
    where from_date < to_date
),

discounted_customers as (
    select
        variant_id,
        customer_id
    from in_force
    group by
        variant_id,
        customer_id
),

-- Shares of an amount hang on all items of the customer: their changes cut too.
items as (
    select gross.*
    from gross
    inner join discounted_customers
        on gross.variant_id = discounted_customers.variant_id
        and gross.customer_id = discounted_customers.customer_id
),

cuts as (
    select variant_id, customer_id, from_date as cut_date from items
    union
    select variant_id, customer_id, to_date as cut_date from items
    union
    select variant_id, customer_id, from_date as cut_date from in_force
    union
    select variant_id, customer_id, to_date as cut_date from in_force
),

pieces as (
    select
        variant_id,
        customer_id,
        cut_date as from_date,
        lead(cut_date) over (partition by variant_id, customer_id order by cut_date) as to_date
    from cuts
),

item_pieces as (
    select
        items.variant_id,
        items.customer_id,
        items.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.price_version,
        items.quantity,
        items.currency,
        items.factor_numerator,
        items.factor_denominator,
        items.gross_mrr,
        pieces.from_date,
        pieces.to_date
    from items
    inner join pieces
        on items.variant_id = pieces.variant_id
        and items.customer_id = pieces.customer_id
        and items.from_date <= pieces.from_date
        and items.to_date >= pieces.to_date
),

touching as (
    select
        item_pieces.variant_id,
        item_pieces.customer_id,
        item_pieces.subscription_id,
        item_pieces.subscription_item_id,
        item_pieces.from_date,
        in_force.discount_id,
        in_force.start_date,
        in_force.start_at,
        in_force.percent_off,
        in_force.amount_off,
        -- An amount on the customer ties all the subscriptions together on that day.
        max(
            case when in_force.is_on_customer and in_force.amount_off is not null then 1 else 0 end
        ) over (
            partition by item_pieces.variant_id, item_pieces.customer_id, item_pieces.from_date
        ) = 1 as is_shared_by_customer
    from item_pieces
    inner join in_force
        on item_pieces.variant_id = in_force.variant_id
        and item_pieces.subscription_item_id = in_force.subscription_item_id
        and item_pieces.from_date >= in_force.from_date
        and item_pieces.to_date <= in_force.to_date
        and item_pieces.from_date >= in_force.item_from_date
        and item_pieces.to_date <= in_force.item_to_date
),

ranked as (
    select
        *,
        case when is_shared_by_customer then customer_id else subscription_id end as sharing_id,
        dense_rank() over (
            partition by
                variant_id, from_date,
                case when is_shared_by_customer then customer_id else subscription_id end
            order by start_date, start_at, discount_id
        ) as step_number
    from touching
),

steps as (
    select
        variant_id,
        subscription_item_id,
        from_date,
        min(sharing_id) as sharing_id,
        max(step_number) as last_step_number
        {%- for step in range(1, var('max_stacked_discounts') + 1) %},
        max(case when step_number = {{ step }} then percent_off end) as percent_off_{{ step }},
        max(case when step_number = {{ step }} then amount_off end) as amount_off_{{ step }}
        {%- endfor %}
    from ranked
    group by
        variant_id,
        subscription_item_id,
        from_date
),

final as (
    select
        item_pieces.*,
        coalesce(steps.sharing_id, item_pieces.subscription_id) as sharing_id,
        coalesce(steps.last_step_number, 0) as last_step_number
        {%- for step in range(1, var('max_stacked_discounts') + 1) %},
        steps.percent_off_{{ step }},
        steps.amount_off_{{ step }}
        {%- endfor %}
    from item_pieces
    left join steps
        on item_pieces.variant_id = steps.variant_id
        and item_pieces.subscription_item_id = steps.subscription_item_id
        and item_pieces.from_date = steps.from_date
)

select * from final
