-- One row per history of MRR that is computed, shared by the policies and steps of the ladder that
-- agree on what MRR is, whose, on which days it shows and what it is worth.
with policies as (
    select * from {{ ref('int_metric_policy_computations') }}
),

final as (
    select
        series_id,
        variant_id,
        zero_mrr_customer,
        grain,
        movement_grain,
        fx,
        constant_fx_date
    from policies
    group by all
)

select * from final
