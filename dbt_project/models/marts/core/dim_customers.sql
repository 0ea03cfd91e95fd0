with customers as (
    select * from {{ ref('int_customers') }}
),

final as (
    select
        customer_id,
        account_id,
        parent_account_id,
        customer_name as name,
        segment,
        industry,
        country,
        channel,
        motion,
        owner_id,
        plan,
        size_band,
        cohort_year,
        created_at,
        first_paid_date as first_paid_at,
        cohort_month,
        churned_date as churned_at,
        cast(current_mrr as decimal(18, 2)) as current_mrr,
        currency,
        status,
        is_deleted
    from customers
)

select * from final
