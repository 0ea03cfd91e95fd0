-- Rows that passed the gate but cannot be counted in MRR, each with its reason: listed, not at 0.
with history as (
    select * from {{ ref('int_subscription_item_history') }}
),

prices as (
    select * from {{ ref('int_price_versions') }}
),

items as (
    select * from {{ ref('stg_billing__subscription_items') }}
    where is_current
),

subscriptions as (
    select * from {{ ref('stg_billing__subscriptions') }}
    where is_current
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where is_current
),

lines as (
    select * from {{ ref('stg_billing__invoice_line_items') }}
    where is_current
),

currencies as (
    select * from {{ ref('currencies') }}
),

valued as (
    select * from {{ ref('int_unit_mrr_valued') }}
    where rate is null
),

charges as (
    select * from {{ ref('int_item_charges') }}
),

largest_amounts as (
    select * from {{ ref('int_largest_amounts') }}
),

current_prices as (
    select * from {{ ref('int_price_versions') }}
    where is_current
),

deleted_customers as (
    select
        customer_id,
        valid_from_date as deleted_date
    from {{ ref('stg_billing__customers') }}
    where is_current
        and is_deleted
),

rejected as (
    select
        'subscription_items' as table_name,
        history.subscription_item_id as row_key,
        'unknown_price' as reason,
        'price ' || history.price_id || ' is not in billing.prices' as detail
    from history
    left join prices
        on history.price_id = prices.price_id
    where prices.price_id is null
    union all
    select
        'prices',
        price_id,
        rejection_reason,
        case rejection_reason
            when 'unknown_currency' then 'currency ' || currency || ' is not in seed currencies'
            when 'no_interval' then 'a recurring price needs interval'
            when 'no_tiers' then 'a tiered price needs tiers'
            when 'negative_amount' then 'an amount is below 0; a credit is a discount'
            else 'a price per unit needs unit_amount'
        end
    from prices
    where not is_computable
    union all
    select
        'subscription_items',
        subscription_item_id,
        'amount_too_large',
        'price ' || price_id || ' for ' || cast(quantity as {{ dbt.type_string() }})
        || ' is more than 100 billion a month'
    from charges
    where not is_countable
    union all
    select
        'subscriptions',
        subscriptions.subscription_id,
        'deleted_customer',
        'it began after customer ' || subscriptions.customer_id || ' was deleted'
    from subscriptions
    inner join deleted_customers
        on subscriptions.customer_id = deleted_customers.customer_id
    where {{ local_date('subscriptions.started_at') }} >= deleted_customers.deleted_date
        and subscriptions.status not in ('canceled', 'incomplete', 'incomplete_expired')
    union all
    select
        'invoice_line_items',
        lines.invoice_line_item_id,
        'amount_too_large',
        'its amount is more than 100 billion a month'
    from lines
    inner join largest_amounts
        on lines.currency = largest_amounts.currency
    left join current_prices
        on lines.price_id = current_prices.price_id
    where {{ is_too_large_a_line('lines', 'current_prices', 'largest_amounts') }}
    union all
    select
        'subscription_items',
        items.subscription_item_id,
        'unknown_subscription',
        'subscription ' || items.subscription_id || ' is not in billing.subscriptions'
    from items
    left join subscriptions
        on items.subscription_id = subscriptions.subscription_id
    where subscriptions.subscription_id is null
    union all
    select
        'subscriptions',
        subscription_id,
        'no_start_date',
        'start_date is missing or a sentinel'
    from subscriptions
    where started_at is null
    union all
    select
        'invoice_line_items',
        lines.invoice_line_item_id,
        'unknown_invoice',
        'invoice ' || lines.invoice_id || ' is not in billing.invoices'
    from lines
    left join invoices
        on lines.invoice_id = invoices.invoice_id
    where invoices.invoice_id is null
    union all
    select
        'invoice_line_items',
        lines.invoice_line_item_id,
        'unknown_currency',
        'currency ' || lines.currency || ' is not in seed currencies'
    from lines
    left join currencies
        on lines.currency = currencies.currency
    where currencies.currency is null
    union all
    select
        'fx_rates',
        currency || ' ' || cast(valuation_date as {{ dbt.type_string() }}),
        'missing_fx_rate',
        'no rate of at most {{ var("fx_max_age_days") }} days of age'
    from valued
),

final as (
    select
        case table_name when 'fx_rates' then 'finance' else 'billing' end as source,
        table_name,
        row_key,
        reason,
        min(detail) as detail
    from rejected
    group by
        table_name,
        row_key,
        reason
)

select * from final
