with churns as (
    select * from {{ ref('int_churn_events_explained') }}
),

warnings as (
    select * from {{ ref('int_churn_warnings') }}
),

final as (
    select
        churns.movement_id as churn_event_id,
        policy_id,
        customer_id,
        subscription_id,
        account_id,
        churn_date,
        {{ first_of_month('churn_date') }} as month,
        churn_type,
        churn_reason,
        churn_feedback,
        cast(mrr_lost as decimal(18, 4)) as mrr_lost,
        currency,
        first_paid_date as first_paid_at,
        cohort_month,
        cast(tenure_days as integer) as tenure_days,
        cast(churn_number as integer) as churn_number,
        returned_date as returned_at,
        cast(days_away as integer) as days_away,
        plan,
        channel,
        motion,
        segment,
        country,
        owner_id,
        warnings.triggers_fired_count,
        cast(warnings.days_of_warning as integer) as days_of_warning,
        warnings.actions_taken_count
    from churns
    left join warnings
        on churns.movement_id = warnings.movement_id
)

select * from final
