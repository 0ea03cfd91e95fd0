with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
        and {{ may_be_on_list("'loyalty'", 'customer', 'customer_id') }}
),

tenure_tiers as (
    select * from {{ ref('loyalty_tiers') }}
    where tier_type = 'tenure'
),

activity_tiers as (
    select * from {{ ref('loyalty_tiers') }}
    where tier_type = 'activity'
),

-- Years by the calendar: three years are over on the third anniversary of the first MRR.
final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.current_mrr,
        customers.first_paid_date,
        customers.paying_since_date,
        cast(customers.tenure_days as integer) as tenure_days,
        customers.paying_since_date > customers.first_paid_date as has_been_away,
        tenure_tiers.tier as tenure_tier,
        cast(customers.active_days_28d as bigint) as active_days_28d,
        activity_tiers.tier as activity_tier,
        {{ add_months('customers.first_paid_date', 36) }} <= {{ as_of_date() }}
            as is_over_three_years,
        tenure_tiers.reward as tenure_reward,
        activity_tiers.reward as activity_reward,
        'Customer since ' || cast(customers.first_paid_date as {{ dbt.type_string() }})
        || '; active on ' || cast(customers.active_days_28d as {{ dbt.type_string() }})
        || ' of the last 28 days' as why_listed
    from customers
    inner join tenure_tiers
        on {{ add_months('customers.first_paid_date', 'tenure_tiers.from_value') }}
        <= {{ as_of_date() }}
        and (
            tenure_tiers.to_value is null
            or {{ add_months('customers.first_paid_date', 'tenure_tiers.to_value') }}
            > {{ as_of_date() }}
        )
    left join activity_tiers
        on customers.active_days_28d >= activity_tiers.from_value
        and customers.active_days_28d < coalesce(activity_tiers.to_value, 1000)
)

select * from final
