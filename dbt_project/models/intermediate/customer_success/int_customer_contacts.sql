-- The people of a customer that its owner may turn to: contacts that have not left. Whose user was
-- deactivated is no champion any more. One row per contact; no names.
with contacts as (
    select * from {{ ref('stg_crm__contacts') }}
    where is_current
        and (
            left_company_at is null
            or {{ local_date('left_company_at') }} > {{ as_of_date() }}
        )
),

users as (
    select * from {{ ref('stg_product__users') }}
    where is_current
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

final as (
    select
        contacts.contact_id,
        contacts.account_id,
        coalesce(accounts.customer_id, contacts.account_id) as customer_id,
        contacts.user_id,
        contacts.role,
        contacts.role = 'champion'
        and (
            users.deactivated_at is null
            or {{ local_date('users.deactivated_at') }} > {{ as_of_date() }}
        ) as is_champion
    from contacts
    left join accounts
        on contacts.account_id = accounts.account_id
    left join users
        on contacts.user_id = users.user_id
)

select * from final
