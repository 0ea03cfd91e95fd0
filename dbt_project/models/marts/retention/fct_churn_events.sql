with churns as (
    select * from {{ ref('int_churn_events_explained') }}
),

final as (
    select
        movement_id as churn_event_id,
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
        -- Nobody was warned by a warehouse that watches no triggers: not known, which is not 0.
        cast(null as bigint) as triggers_fired_count,
        cast(null as integer) as days_of_warning,
        cast(null as bigint) as actions_taken_count
    from churns
)

select * from final
