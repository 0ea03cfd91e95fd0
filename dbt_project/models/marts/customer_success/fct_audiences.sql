with customers as (
    select * from {{ ref('int_customers_profiled') }}
),

recipients as (
    select * from {{ ref('int_audience_recipients') }}
),

rules as (
    select
        *,
        case recipients when 'users' then 'user' else 'contact' end as recipient_type
    from {{ ref('audience_rules') }}
),

-- A rule's blank asks for nothing. Names in the lists of a rule are separated by |.
matched as (
    select
        rules.audience,
        rules.note,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.status,
        customers.current_mrr,
        customers.tenure_days,
        customers.active_days_28d,
        recipients.recipient_type,
        recipients.recipient_id,
        recipients.recipient_role
    from rules
    inner join customers
        on '|' || rules.statuses || '|' like '%|' || customers.status || '|%'
        and (
            rules.minimum_tenure_days is null
            or customers.tenure_days >= rules.minimum_tenure_days
        )
        and customers.active_days_28d >= coalesce(rules.minimum_active_days, 0)
        and customers.core_features_28d >= coalesce(rules.minimum_core_features, 0)
        and (
            rules.minimum_days_since_answer is null
            or customers.latest_score_age_days is null
            or customers.latest_score_age_days >= rules.minimum_days_since_answer
        )
        and (
            rules.maximum_open_tickets is null
            or customers.open_tickets <= rules.maximum_open_tickets
        )
    inner join recipients
        on customers.customer_id = recipients.customer_id
        and rules.recipient_type = recipients.recipient_type
        and (
            rules.roles is null
            or '|' || rules.roles || '|' like '%|' || recipients.recipient_role || '|%'
        )
    where {{ may_be_on_list('rules.audience', 'customer', 'customers.customer_id') }}
        and {{ may_be_on_list('rules.audience', 'contact', 'recipients.recipient_id') }}
        and {{ may_be_on_list('rules.audience', 'user', 'recipients.recipient_id') }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        audience,
        customer_id,
        account_id,
        account_name,
        owner_id,
        current_mrr,
        recipient_type,
        recipient_id,
        recipient_role,
        coalesce(note || ': ', '') || status || ' customer, active on '
        || cast(active_days_28d as {{ dbt.type_string() }}) || ' of the last 28 days'
            as why_listed
    from matched
)

select * from final
