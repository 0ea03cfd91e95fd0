-- Item stretches as a policy's unit sees them: under its unit and on the days of its series
-- (month ends where the policy reads month ends).
with items as (
    select * from {{ ref('int_item_mrr_intervals') }}
),

reductions as (
    select * from {{ ref('int_refund_reductions') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

-- What a refund takes is a discount on nothing.
everything as (
    select
        variant_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        item_kind,
        price_id,
        price_version,
        quantity,
        currency,
        gross_mrr,
        net_mrr,
        from_date,
        to_date
    from items
    union all
    select
        variant_id,
        customer_id,
        subscription_id,
        subscription_id as subscription_item_id,
        'refund' as item_kind,
        null as price_id,
        null as price_version,
        null as quantity,
        currency,
        0 as gross_mrr,
        -reduction as net_mrr,
        from_date,
        to_date
    from reductions
),

final as (
    select
        policies.policy_id,
        {{ unit_of('everything') }} as unit_id,
        everything.variant_id,
        everything.customer_id,
        everything.subscription_id,
        everything.subscription_item_id,
        everything.item_kind,
        everything.price_id,
        everything.price_version,
        everything.quantity,
        everything.currency,
        -- Invoice lines tell one amount; what discounts took is not told apart.
        case
            when policies.mrr_basis = 'invoice' and everything.item_kind <> 'refund'
                then everything.net_mrr
            else everything.gross_mrr
        end as gross_mrr,
        everything.net_mrr,
        policies.mrr_basis,
        {{ effective_date('everything.from_date', 'policies') }} as from_date,
        case
            when everything.to_date > {{ as_of_date() }} then {{ end_of_time() }}
            else {{ effective_date('everything.to_date', 'policies') }}
        end as to_date
    from everything
    inner join policies
        on everything.variant_id = policies.variant_id
    left join parents
        on everything.customer_id = parents.customer_id
    where everything.from_date <= {{ as_of_date() }}
)

select * from final
where from_date < to_date
