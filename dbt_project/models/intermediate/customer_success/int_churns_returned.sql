-- Every churn under the official policy with what came back: the MRR on the day of the return. One
-- row per churn.
with churns as (
    select * from {{ ref('int_churn_events_explained') }}
    where policy_id = '{{ var("official_policy") }}'
),

movements as (
    select * from {{ ref('int_mrr_movements_typed') }}
    where movement_type in ('new', 'reactivation')
),

final as (
    select
        churns.movement_id,
        churns.policy_id,
        churns.unit_id,
        churns.customer_id,
        churns.subscription_id,
        churns.churn_date,
        churns.churn_type,
        churns.churn_reason,
        churns.churn_feedback,
        -- What the customer said tells more than how billing ended it.
        case
            when churns.churn_type = 'involuntary' then churns.churn_reason
            else coalesce(churns.churn_feedback, churns.churn_reason)
        end as reason,
        churns.mrr_lost,
        churns.tenure_days,
        churns.churn_number,
        churns.plan,
        churns.returned_date,
        churns.days_away,
        movements.mrr_after as mrr_recovered
    from churns
    left join movements
        on churns.policy_id = movements.policy_id
        and churns.unit_id = movements.unit_id
        and churns.returned_date = movements.movement_date
)

select * from final
