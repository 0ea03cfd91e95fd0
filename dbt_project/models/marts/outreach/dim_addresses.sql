-- The only mart with personal data: whom to write to (schema outreach, columns tagged `personal`).
with accounts as (
    select * from {{ ref('int_accounts') }}
),

contacts as (
    select * from {{ ref('stg_crm__contacts') }}
    where is_current
),

users as (
    select * from {{ ref('stg_product__users') }}
    where is_current
),

customers as (
    select * from {{ ref('stg_billing__customers') }}
    where is_current
),

listed as (
    select
        'contact' as person_type,
        contact_id as person_id,
        account_id,
        contact_name as person_name,
        email,
        role,
        coalesce({{ local_date('left_company_at') }} <= {{ as_of_date() }}, false) as has_left
    from contacts
    union all
    select
        'user',
        user_id,
        account_id,
        cast(null as {{ dbt.type_string() }}),
        email,
        role,
        coalesce({{ local_date('deactivated_at') }} <= {{ as_of_date() }}, false)
    from users
    union all
    select
        'billing',
        customers.customer_id,
        accounts.account_id,
        cast(null as {{ dbt.type_string() }}),
        customers.email,
        'billing',
        customers.is_deleted
    from customers
    inner join accounts
        on customers.customer_id = accounts.customer_id
),

final as (
    select
        listed.person_type,
        listed.person_id,
        listed.account_id,
        accounts.customer_id,
        listed.person_name,
        listed.email,
        listed.role,
        listed.has_left
    from listed
    left join accounts
        on listed.account_id = accounts.account_id
    where listed.email is not null
)

select * from final
