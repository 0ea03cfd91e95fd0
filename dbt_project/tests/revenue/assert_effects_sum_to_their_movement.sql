-- quantity + price + plan + discount = change, for expansions and contractions; none elsewhere.
select *
from {{ ref('fct_mrr_movements') }}
where (
    movement_type in ('expansion', 'contraction')
    and quantity_effect + price_effect + plan_effect + discount_effect
    is distinct from mrr_change
)
or (movement_type not in ('expansion', 'contraction') and quantity_effect is not null)
