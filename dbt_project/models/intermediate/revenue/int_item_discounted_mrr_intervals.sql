-- The discounts of each piece, one after another on running values (docs/mrr_rules.md 4).
with step_0 as (
    select
        *,
        gross_mrr as net_mrr
    from {{ ref('int_item_discounts_applied') }}
),
{% for step in range(1, var('max_stacked_discounts') + 1) %}
{% set percent = 'percent_off_' ~ step %}
{% set amount = 'amount_off_' ~ step %}
shared_{{ step }} as (
    select
        *,
        sum(case when {{ amount }} is not null then net_mrr end) over (
            partition by variant_id, sharing_id, from_date
        ) as shared_mrr,
        sum(case when {{ amount }} is not null then net_mrr end) over (
            partition by variant_id, sharing_id, from_date
            order by subscription_item_id
            rows between unbounded preceding and current row
        ) as shared_mrr_so_far
    from step_{{ step - 1 }}
),

step_{{ step }} as (
    select
        {{ all_but(none, ['net_mrr', 'shared_mrr', 'shared_mrr_so_far']) }},
        case
            when {{ percent }} is not null
                then cast(
                    net_mrr * cast((100 - {{ percent }}) * 0.01 as decimal(11, 8))
                    as {{ exact_type() }}
                )
            when {{ amount }} is not null and shared_mrr > 0
                then greatest(
                    net_mrr
                    - {{ share_of_amount(
                        amount, 'factor_numerator', 'factor_denominator',
                        'shared_mrr_so_far', 'shared_mrr'
                    ) }}
                    + {{ share_of_amount(
                        amount, 'factor_numerator', 'factor_denominator',
                        '(shared_mrr_so_far - net_mrr)', 'shared_mrr'
                    ) }},
                    0
                )
            else net_mrr
        end as net_mrr
    from shared_{{ step }}
),
{% endfor %}
final as (
    select
        variant_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        price_version,
        quantity,
        currency,
        gross_mrr,
        cast(net_mrr as {{ exact_type() }}) as net_mrr,
        from_date,
        to_date
    from step_{{ var('max_stacked_discounts') }}
)

select * from final
