with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
        and champion_count = 0
        and {{ may_be_on_list("'champion_candidates'", 'customer', 'customer_id') }}
),

rules as (
    {{ list_rules('champion_candidates', ['days_back', 'users_per_customer']) }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

event_days as (
    select * from {{ ref('int_event_days') }}
    where activity_date <= {{ as_of_date() }}
        and user_id is not null
),

meanings as (
    select * from {{ ref('event_meanings') }}
),

features as (
    select
        event,
        feature
    from {{ ref('product_features') }}
    where is_core
),

users as (
    select
        user_id,
        role,
        {{ local_date('deactivated_at') }} as deactivated_date
    from {{ ref('stg_product__users') }}
    where is_current
),

contacts as (
    select
        user_id,
        min(contact_id) as contact_id
    from {{ ref('int_customer_contacts') }}
    where user_id is not null
    group by user_id
),

used as (
    select
        customers.customer_id,
        event_days.user_id,
        count(distinct event_days.activity_date) as active_days,
        sum(event_days.event_count) as event_count,
        count(distinct features.feature) as core_features,
        max(event_days.activity_date) as last_active_date
    from event_days
    inner join accounts
        on event_days.account_id = accounts.account_id
    inner join customers
        on accounts.customer_id = customers.customer_id
    cross join rules
    left join meanings
        on event_days.event = meanings.event
    left join features
        on event_days.event = features.event
    where event_days.activity_date > {{ add_days(as_of_date(), '-rules.days_back') }}
        and coalesce(meanings.meaning, 'use') <> 'not_activity'
    group by
        customers.customer_id,
        event_days.user_id
),

ranked as (
    select
        used.*,
        users.role as user_role,
        contacts.contact_id,
        row_number() over (
            partition by used.customer_id
            order by
                used.active_days desc, used.core_features desc, used.event_count desc,
                used.user_id
        ) as user_rank
    from used
    left join users
        on used.user_id = users.user_id
    left join contacts
        on used.user_id = contacts.user_id
    where (users.deactivated_date is null or users.deactivated_date > {{ as_of_date() }})
        and {{ may_be_on_list("'champion_candidates'", 'user', 'used.user_id') }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.current_mrr,
        ranked.user_id,
        cast(ranked.user_rank as integer) as user_rank,
        ranked.user_role,
        ranked.contact_id,
        cast(ranked.active_days as bigint) as active_days,
        cast(ranked.event_count as bigint) as event_count,
        cast(ranked.core_features as bigint) as core_features,
        ranked.last_active_date,
        'No champion; this user was active on '
        || cast(ranked.active_days as {{ dbt.type_string() }}) || ' of the last '
        || cast(cast(rules.days_back as integer) as {{ dbt.type_string() }}) || ' days'
            as why_listed
    from customers
    inner join ranked
        on customers.customer_id = ranked.customer_id
    cross join rules
    where ranked.user_rank <= rules.users_per_customer
)

select * from final
