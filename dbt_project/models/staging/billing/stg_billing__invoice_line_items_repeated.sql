-- The versions of those lines that landed several times; an exact duplicate of a row changes
-- nothing.
with landed as (
    select * from {{ ref('stg_billing__invoice_line_items_landed') }}
),

repeated as (
    select invoice_line_item_id
    from {{ ref('stg_billing__invoice_line_items_landed') }}
    group by invoice_line_item_id
    having count(*) > 1
),

several as (
    select landed.*
    from landed
    inner join repeated
        on landed.invoice_line_item_id = repeated.invoice_line_item_id
    group by all
),

final as (
    select
        *,
        {{ version_columns('invoice_line_item_id') }}
    from several
    {{ version_window('invoice_line_item_id', [
        'invoice_id', 'subscription_id', 'subscription_item_id', 'price_id',
        'line_type', 'description', 'amount', 'discount_amount', 'tax_amount',
        'currency', 'quantity', 'is_proration', 'period_started_at', 'period_ended_at'
    ]) }}
)

select * from final
