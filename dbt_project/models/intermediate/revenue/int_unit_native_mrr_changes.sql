-- Where the MRR of a counted unit changes, in the currency it is billed in. One row per series,
-- unit, currency and day; a unit is a customer, a parent account or a subscription.
with series as (
    select * from {{ ref('int_mrr_series') }}
),

items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

reductions as (
    select * from {{ ref('int_refund_reductions') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

changes as (
    select variant_id, customer_id, subscription_id, currency, from_date as change_date,
        net_mrr as net_change
    from items
    where net_mrr > 0
    union all
    select variant_id, customer_id, subscription_id, currency, to_date, -net_mrr
    from items
    where net_mrr > 0
    union all
    select variant_id, customer_id, subscription_id, currency, from_date, -reduction
    from reductions
    union all
    select variant_id, customer_id, subscription_id, currency, to_date, reduction
    from reductions
),

days as (
    select
        series.series_id,
        {{ unit_of('changes', 'series') }} as unit_id,
        changes.currency,
        {{ effective_date('changes.change_date', 'series') }} as change_date,
        sum(changes.net_change) as net_change
    from changes
    inner join series
        on changes.variant_id = series.variant_id
    left join parents
        on changes.customer_id = parents.customer_id
    where changes.change_date <= {{ as_of_date() }}
    group by all
    having sum(changes.net_change) <> 0
),

final as (
    select
        series_id,
        unit_id,
        currency,
        change_date,
        cast(
            (sum(net_change) over unit_days) - net_change as {{ exact_type() }}
        ) as native_before,
        cast(sum(net_change) over unit_days as {{ exact_type() }}) as native_after,
        lead(change_date) over unit_days as next_change_date
    from days
    window unit_days as (partition by series_id, unit_id, currency order by change_date)
)

select * from final
