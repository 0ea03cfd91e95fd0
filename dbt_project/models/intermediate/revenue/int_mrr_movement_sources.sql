-- The raw rows behind a movement: without any one of them it would not be what it is. One row per
-- movement; ids read `<source>.<table>/<key>`.
--
-- A change of MRR comes from all items of the unit that are in force before or after it: those that
-- stand share discounts with those that change, and the sum of all is rounded once. Where policies
-- compare the ends of months, “before” is the end of the last one. Where invoices say what an item
-- is worth, all items of its subscription decide which of them a line speaks for.
with movements as (
    select
        typed.*,
        case
            when policies.movement_grain = 'month_end'
                then {{ first_of_month('typed.movement_date') }}
            else typed.movement_date
        end as since_date
    from {{ ref('int_mrr_movements_typed') }} as typed
    inner join {{ ref('int_metric_policies_enabled') }} as policies
        on typed.policy_id = policies.policy_id
),

unit_items as (
    select * from {{ ref('int_unit_items') }}
),

items as (
    select * from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

discounts as (
    select
        *,
        least(to_date, coalesce(window_to_date, to_date)) as speaks_until_date
    from {{ ref('int_discount_windows') }}
),

line_sources as (
    select * from {{ ref('int_item_line_sources') }}
),

invoice_sources as (
    select * from {{ ref('int_subscription_invoice_sources') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

valued as (
    select
        *,
        lag(valuation_date) over (
            partition by series_id, unit_id, currency order by change_date
        ) as valuation_date_before
    from {{ ref('int_unit_mrr_valued') }}
    where currency <> '{{ var("reporting_currency") }}'
),

rates as (
    select * from {{ ref('int_fx_rate_intervals') }}
),

-- A change is worth what it is by the rate of its day and that of the change before it.
valuations as (
    select series_id, unit_id, currency, change_date, valuation_date
    from valued
    union
    select series_id, unit_id, currency, change_date, valuation_date_before
    from valued
    where valuation_date_before is not null
),

-- Which rate a day has is looked up once for each day, not for each change on it.
valuation_days as (
    select currency, valuation_date
    from valuations
    group by
        currency,
        valuation_date
),

rate_days as (
    select
        valuation_days.currency,
        valuation_days.valuation_date,
        rates.rate_date
    from valuation_days
    inner join rates
        on valuation_days.currency = rates.currency
        and valuation_days.valuation_date >= rates.from_date
        and valuation_days.valuation_date < rates.to_date
),

movement_items as (
    select
        movements.movement_id,
        movements.movement_date,
        unit_items.customer_id,
        unit_items.subscription_id,
        unit_items.subscription_item_id,
        unit_items.item_kind,
        unit_items.price_id,
        unit_items.mrr_basis,
        policies.churn_at,
        movements.since_date
    from movements
    inner join policies
        on movements.policy_id = policies.policy_id
    inner join unit_items
        on movements.policy_id = unit_items.policy_id
        and movements.unit_id = unit_items.unit_id
        and movements.movement_date >= unit_items.from_date
        and movements.since_date <= unit_items.to_date
),

movement_discounts as (
    select
        movement_items.movement_id,
        discounts.discount_id
    from movement_items
    inner join discounts
        on movement_items.subscription_id = discounts.subscription_id
        and movement_items.movement_date >= discounts.from_date
        and movement_items.since_date <= discounts.speaks_until_date
    union
    select
        movement_items.movement_id,
        discounts.discount_id
    from movement_items
    inner join discounts
        on movement_items.customer_id = discounts.customer_id
        and discounts.subscription_id is null
        and movement_items.movement_date >= discounts.from_date
        and movement_items.since_date <= discounts.speaks_until_date
),

-- A row may be named several times: the list below has it once.
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
    select movement_items.movement_id, 'billing.subscription_items/' || items.subscription_item_id
    from movement_items
    inner join items
        on movement_items.subscription_id = items.subscription_id
    where movement_items.mrr_basis = 'invoice'
    union all
    select movement_id, 'billing.subscriptions/' || subscription_id
    from movement_items
    where subscription_id is not null
    union all
    select movement_id, 'billing.customers/' || customer_id
    from movement_items
    union all
    select movement_id, 'billing.prices/' || price_id
    from movement_items
    where price_id is not null
    union all
    select movement_id, 'billing.discounts/' || discount_id
    from movement_discounts
    union all
    select movement_items.movement_id, line_sources.source_id
    from movement_items
    inner join line_sources
        on movement_items.mrr_basis = line_sources.mrr_basis
        and movement_items.item_kind = line_sources.item_kind
        and movement_items.subscription_item_id = line_sources.subscription_item_id
        and movement_items.movement_date >= line_sources.from_date
        and movement_items.since_date <= line_sources.to_date
    union all
    select movement_items.movement_id, invoice_sources.source_id
    from movement_items
    inner join invoice_sources
        on movement_items.subscription_id = invoice_sources.subscription_id
        and movement_items.movement_date >= invoice_sources.from_date
        and movement_items.since_date <= invoice_sources.to_date
        and (
            (invoice_sources.effect = 'refund' and movement_items.item_kind = 'refund')
            or (
                invoice_sources.effect = 'paid_period'
                and movement_items.churn_at = 'paid_period_end'
            )
        )
    union all
    select
        movements.movement_id,
        'finance.fx_rates/' || rate_days.currency || '/'
        || cast(rate_days.rate_date as {{ dbt.type_string() }})
    from movements
    inner join valuations
        on movements.series_id = valuations.series_id
        and movements.unit_id = valuations.unit_id
        and movements.movement_date = valuations.change_date
    inner join rate_days
        on valuations.currency = rate_days.currency
        and valuations.valuation_date = rate_days.valuation_date
),

final as (
    select
        movement_id,
        {{ sorted_list('source_id') }} as source_ids
    from sources
    group by movement_id
)

select * from final
