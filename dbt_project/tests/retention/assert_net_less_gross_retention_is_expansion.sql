-- faults.md, invariant 8: NRR - GRR = (expansion + counted reactivation) / base, and 1 - GRR is
-- the gross MRR churn. Exact where the cap is per customer, the base is the period's start and no
-- rate moved.
select periods.*
from {{ ref('fct_retention_by_period') }} as periods
inner join {{ ref('dim_metric_policies') }} as policies
    on periods.policy_id = policies.policy_id
left join (
    select
        policy_id,
        count(*) as moves
    from {{ ref('fct_mrr_movements') }}
    where movement_type = 'fx'
    group by policy_id
) as fx_movements
    on periods.policy_id = fx_movements.policy_id
where fx_movements.moves is null
    and policies.grr_cap = 'customer'
    and policies.nrr_base = 'period_start'
    and (
        periods.retained_mrr - periods.gross_retained_mrr
        <> periods.expansion_mrr
        + case when policies.reactivation_in_nrr then periods.reactivation_mrr else 0 end
        or periods.retention_base_mrr - periods.gross_retained_mrr
        <> -periods.churn_mrr - periods.contraction_mrr
        or periods.fx_mrr <> 0
    )
