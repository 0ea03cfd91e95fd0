with churns as (
    select * from {{ ref('fct_churn_events') }}
    where policy_id = '{{ var("official_policy") }}'
        and triggers_fired_count = 0
),

final as (
    select
        churn_event_id,
        customer_id,
        account_id,
        churn_date,
        month,
        churn_type,
        churn_reason,
        churn_feedback,
        mrr_lost,
        tenure_days,
        plan,
        segment,
        owner_id
    from churns
)

select * from final
