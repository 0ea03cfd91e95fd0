-- What an item charges per billing period, from when to when, by each basis of MRR that an enabled
-- policy asks for. What is not countable is in quality.rejected_rows.
with charges as (
    select * from {{ ref('int_item_charges') }}
    where is_countable
),

invoiced as (
    select * from {{ ref('int_item_invoiced_intervals') }}
),

final as (
    select
        'subscription' as mrr_basis,
        subscription_id,
        subscription_item_id,
        price_id,
        price_version,
        currency,
        billing_interval,
        interval_count,
        quantity,
        period_amount,
        cast(0 as decimal(28, 8)) as period_discount,
        cast(1 as bigint) as scale_numerator,
        cast(1 as bigint) as scale_denominator,
        from_date,
        to_date
    from charges
    union all
    select * from invoiced
)

select * from final
