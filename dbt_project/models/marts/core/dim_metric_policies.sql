with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

final as (
    select
        policy_id,
        name,
        policy_id = '{{ var("official_policy") }}' as is_official,
        mrr_basis,
        counted_statuses,
        past_due_grace_days,
        paused,
        discounts,
        metered,
        refunds,
        churn_at,
        zero_mrr_customer,
        grain,
        movement_grain,
        reactivation_window_days,
        same_month_new_and_churn,
        week_factor,
        day_factor,
        fx,
        constant_fx_date,
        churn_rate_base,
        churn_rate_excludes_new,
        reactivation_in_nrr,
        nrr_base,
        grr_cap,
        ltv_method,
        as_of,
        source,
        note
    from policies
)

select * from final
