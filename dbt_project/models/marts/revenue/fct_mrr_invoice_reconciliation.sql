{%- set flows = ['billed', 'credited', 'collected', 'refunded', 'conceded', 'written_off'] -%}

with items as (
    select * from {{ ref('int_reconciled_items_explained') }}
),

receivables as (
    select * from {{ ref('int_receivables_by_customer_month') }}
),

months as (
    select * from {{ ref('int_book_months') }}
    union
    select * from {{ ref('int_months') }}
),

customers as (
    select
        customer_id,
        month,
        sum(subscription_mrr) as subscription_mrr,
        sum(invoice_mrr) as invoice_mrr,
        sum(tolerance) as tolerance
    from items
    group by
        customer_id,
        month
),

-- Of an item's several reasons the one of the largest difference speaks for the customer.
ranked as (
    select
        customer_id,
        month,
        reason,
        row_number() over (
            partition by customer_id, month
            order by abs(difference) desc, subscription_item_id, currency
        ) as place
    from items
    where reason <> 'matched'
),

keys as (
    select customer_id, month from customers
    union
    select customer_id, month from receivables
),

joined as (
    select
        keys.customer_id,
        keys.month,
        {{ to_cents('coalesce(customers.subscription_mrr, 0)') }} as subscription_mrr,
        {{ to_cents('coalesce(customers.invoice_mrr, 0)') }} as invoice_mrr,
        coalesce(customers.tolerance, 0) as tolerance,
        ranked.reason,
        coalesce(receivables.outstanding_opening, 0) as outstanding_opening,
        {%- for flow in flows %}
        coalesce(receivables.{{ flow }}, 0) as {{ flow }},
        {%- endfor %}
        coalesce(receivables.outstanding, 0) as outstanding
    from keys
    left join customers
        on keys.customer_id = customers.customer_id
        and keys.month = customers.month
    left join ranked
        on keys.customer_id = ranked.customer_id
        and keys.month = ranked.month
        and ranked.place = 1
    left join receivables
        on keys.customer_id = receivables.customer_id
        and keys.month = receivables.month
),

final as (
    select
        '{{ var("official_policy") }}' as policy_id,
        joined.customer_id,
        joined.month,
        cast(joined.subscription_mrr as decimal(18, 2)) as subscription_mrr,
        cast(joined.invoice_mrr as decimal(18, 2)) as invoice_mrr,
        cast(joined.subscription_mrr - joined.invoice_mrr as decimal(18, 2)) as difference,
        case
            when joined.reason is null
                or abs(joined.subscription_mrr - joined.invoice_mrr) <= joined.tolerance + 0.005
                then 'matched'
            else joined.reason
        end as reason,
        cast(joined.outstanding_opening as decimal(18, 2)) as outstanding_opening,
        {%- for flow in flows %}
        cast(joined.{{ flow }} as decimal(18, 2)) as {{ flow }},
        {%- endfor %}
        cast(joined.outstanding as decimal(18, 2)) as outstanding,
        cast(
            joined.outstanding_opening + joined.billed - joined.credited - joined.collected
            + joined.refunded - joined.conceded - joined.written_off - joined.outstanding
            as decimal(18, 2)
        ) as residual,
        months.is_complete
    from joined
    inner join months
        on joined.month = months.month
)

select * from final
