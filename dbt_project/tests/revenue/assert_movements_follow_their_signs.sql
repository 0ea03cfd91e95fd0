-- new, reactivation and expansion never lose, contraction and churn never win; MRR is never below
-- 0.
select *
from {{ ref('fct_mrr_movements') }}
where (movement_type in ('new', 'reactivation', 'expansion') and mrr_change <= 0)
    or (movement_type = 'contraction' and mrr_change >= 0)
    or (movement_type = 'churn' and (mrr_change > 0 or mrr_after <> 0))
    or (movement_type in ('new', 'reactivation') and mrr_before <> 0)
    or mrr_before < 0
    or mrr_after < 0
    or mrr_after - mrr_before <> mrr_change
