-- How much warning there was of a churn: risk triggers that fired in the 90 days before it, and
-- actions resolved in that time. One row per churn movement.
with churns as (
    select * from {{ ref('int_churn_events_explained') }}
),

unit_customers as (
    select * from {{ ref('int_unit_customers') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

firings as (
    select * from {{ ref('int_trigger_firings_explained') }}
    where direction = 'risk'
),

actions as (
    select * from {{ ref('int_actions') }}
    where state = 'resolved'
),

concerned as (
    select
        churns.movement_id,
        churns.churn_date,
        accounts.account_id
    from churns
    inner join unit_customers
        on churns.policy_id = unit_customers.policy_id
        and churns.unit_id = unit_customers.unit_id
    inner join accounts
        on unit_customers.customer_id = accounts.customer_id
),

warned as (
    select
        concerned.movement_id,
        count(*) as triggers_fired_count,
        min(firings.fired_date) as first_fired_date
    from concerned
    inner join firings
        on concerned.account_id = firings.account_id
        and firings.fired_date >= {{ add_days('concerned.churn_date', -90) }}
        and firings.fired_date < concerned.churn_date
    group by concerned.movement_id
),

acted as (
    select
        concerned.movement_id,
        count(*) as actions_taken_count
    from concerned
    inner join actions
        on concerned.account_id = actions.account_id
        and actions.resolved_date >= {{ add_days('concerned.churn_date', -90) }}
        and actions.resolved_date < concerned.churn_date
    group by concerned.movement_id
),

final as (
    select
        churns.movement_id,
        coalesce(warned.triggers_fired_count, 0) as triggers_fired_count,
        {{ days_between('warned.first_fired_date', 'churns.churn_date') }} as days_of_warning,
        coalesce(acted.actions_taken_count, 0) as actions_taken_count
    from churns
    left join warned
        on churns.movement_id = warned.movement_id
    left join acted
        on churns.movement_id = acted.movement_id
)

select * from final
