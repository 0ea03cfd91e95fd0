{%- set steps = range(1, var('max_stacked_discounts') + 1) -%}
{%- set columns = [
    'variant_id', 'customer_id', 'subscription_id', 'subscription_item_id', 'price_id',
    'price_version', 'quantity', 'currency', 'gross_mrr', 'net_mrr', 'from_date', 'to_date',
] -%}

-- The discounts of each piece, one after another on running values (docs/mrr_rules.md 4). Pieces
-- that only percents touch do not hang on each other; amounts are shared.
with applied as (
    select
        *,
        {%- for step in steps %}
        amount_off_{{ step }} is not null {{ 'or' if not loop.last else 'as shares_amounts,' }}
        {%- endfor %}
        gross_mrr as net_mrr
    from {{ ref('int_item_discounts_applied') }}
),

alone_0 as (
    select * from applied
    where not shares_amounts
),

shared_0 as (
    select * from applied
    where shares_amounts
),
{% for step in steps %}
{% set percent = 'percent_off_' ~ step %}
{% set amount = 'amount_off_' ~ step %}
{% set percent_taken = exact_product(
    'net_mrr', 'cast((100 - ' ~ percent ~ ') * 0.01 as decimal(11, 8))'
) %}
alone_{{ step }} as (
    select
        {{ all_but(none, ['net_mrr']) }},
        case when {{ percent }} is not null then {{ percent_taken }} else net_mrr end as net_mrr
    from alone_{{ step - 1 }}
),

summed_{{ step }} as (
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
    from shared_{{ step - 1 }}
),

shared_{{ step }} as (
    select
        {{ all_but(none, ['net_mrr', 'shared_mrr', 'shared_mrr_so_far']) }},
        case
            when {{ percent }} is not null
                then {{ percent_taken }}
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
    from summed_{{ step }}
),
{% endfor %}
final as (
    select {{ columns | join(', ') }} from alone_{{ steps[-1] }}
    union all
    select {{ columns | join(', ') }} from shared_{{ steps[-1] }}
)

select * from final
