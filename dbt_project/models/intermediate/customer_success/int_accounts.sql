-- The accounts that customer success looks after: those of the crm, and customers without one,
-- whose account id is the customer's (raw contract). One row per account_id; several accounts may
-- be of one customer.
with accounts as (
    select * from {{ ref('stg_crm__accounts') }}
    where is_current
),

customers as (
    select * from {{ ref('int_customers') }}
),

first_versions as (
    select
        account_id,
        min(valid_from_date) as first_version_date
    from {{ ref('stg_crm__accounts') }}
    group by account_id
),

first_services as (
    select
        customer_id,
        min(from_date) as first_service_date
    from {{ ref('int_subscription_timeline') }}
    group by customer_id
),

listed as (
    select
        account_id,
        coalesce(billing_customer_id, account_id) as customer_id
    from accounts
    union all
    select
        customers.customer_id as account_id,
        customers.customer_id
    from customers
    left join accounts
        on customers.customer_id = accounts.account_id
    where customers.account_id is null
        and accounts.account_id is null
),

final as (
    select
        listed.account_id,
        listed.customer_id,
        coalesce(accounts.account_name, customers.customer_name) as account_name,
        coalesce(accounts.segment, customers.segment, 'unknown') as segment,
        accounts.owner_id,
        accounts.founded_on,
        customers.created_at,
        -- The first day that anything is known of it.
        coalesce(
            least(
                coalesce(
                    {{ local_date('customers.created_at') }}, first_services.first_service_date
                ),
                coalesce(
                    first_services.first_service_date, {{ local_date('customers.created_at') }}
                )
            ),
            first_versions.first_version_date
        ) as start_date,
        customers.first_paid_date,
        customers.churned_date,
        customers.status,
        customers.current_mrr
    from listed
    left join accounts
        on listed.account_id = accounts.account_id
    left join customers
        on listed.customer_id = customers.customer_id
    left join first_versions
        on listed.account_id = first_versions.account_id
    left join first_services
        on listed.customer_id = first_services.customer_id
)

select * from final
