-- One row per way of computing MRR itself, shared by the policies that agree on it.
with policies as (
    select * from {{ ref('int_metric_policy_computations') }}
),

final as (
    select
        variant_id,
        mrr_basis,
        counts_trialing,
        counts_active,
        counts_past_due,
        counts_unpaid,
        counts_paused,
        past_due_grace_days,
        discounts,
        metered,
        refunds,
        churn_at,
        week_numerator,
        week_denominator,
        day_numerator,
        day_denominator
    from policies
    group by all
)

select * from final
