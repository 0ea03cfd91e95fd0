-- Whom a message can be for: contacts that are still there, and users that are not deactivated and
-- were seen lately. By id only. One row per recipient.
with contacts as (
    select * from {{ ref('int_customer_contacts') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

users as (
    select * from {{ ref('stg_product__users') }}
    where is_current
        and (deactivated_at is null or {{ local_date('deactivated_at') }} > {{ as_of_date() }})
),

rules as (
    {{ list_rules('portal', ['user_seen_days']) }}
),

seen_users as (
    select
        event_days.user_id,
        max(event_days.activity_date) as last_active_date
    from {{ ref('int_event_days') }} as event_days
    cross join rules
    where event_days.activity_date <= {{ as_of_date() }}
        and event_days.activity_date > {{ add_days(as_of_date(), '-rules.user_seen_days') }}
        and event_days.user_id is not null
    group by event_days.user_id
),

final as (
    select
        'contact' as recipient_type,
        contact_id as recipient_id,
        customer_id,
        coalesce(role, 'user') as recipient_role
    from contacts
    union all
    select
        'user',
        users.user_id,
        coalesce(accounts.customer_id, users.account_id),
        coalesce(users.role, 'user')
    from users
    inner join seen_users
        on users.user_id = seen_users.user_id
    left join accounts
        on users.account_id = accounts.account_id
)

select * from final
