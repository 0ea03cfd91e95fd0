-- What sources other than billing say of customers that are gone, by the kinds of evidence that
-- seed churn_evidence enables. One row per customer and kind of evidence, on its last day.
with evidence as (
    select * from {{ ref('churn_evidence') }}
    where is_enabled
),

accounts as (
    select
        account_id,
        coalesce(billing_customer_id, account_id) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where is_current
),

leads as (
    select
        account_id,
        {{ local_date('lost_at') }} as evidence_date
    from {{ ref('stg_crm__leads') }}
    where lost_at > converted_at
),

contacts as (
    select
        account_id,
        {{ local_date('left_company_at') }} as evidence_date
    from {{ ref('stg_crm__contacts') }}
    where is_current
),

users as (
    select
        account_id,
        {{ local_date('deactivated_at') }} as evidence_date
    from {{ ref('stg_product__users') }}
    where is_current
),

events as (
    select
        account_id,
        event,
        max(activity_date) as evidence_date
    from {{ ref('int_event_days') }}
    where event in (select event from evidence)
        and activity_date <= {{ as_of_date() }}
    group by
        account_id,
        event
),

-- `needs_all`: it says something only where it is so of all rows of a customer.
found as (
    select account_id, evidence_date, 'lead_lost' as kind, '' as event, false as needs_all
    from leads
    union all
    select account_id, evidence_date, 'contacts_left', '', true
    from contacts
    union all
    select account_id, evidence_date, 'users_deactivated', '', true
    from users
    union all
    select account_id, evidence_date, 'event', event, false
    from events
),

final as (
    select
        coalesce(accounts.customer_id, found.account_id) as customer_id,
        evidence.source,
        evidence.evidence_key,
        max(found.evidence_date) as evidence_date
    from found
    inner join evidence
        on found.kind = evidence.kind
        and found.event = coalesce(evidence.event, '')
    left join accounts
        on found.account_id = accounts.account_id
    where found.needs_all
        or found.evidence_date <= {{ as_of_date() }}
    group by
        coalesce(accounts.customer_id, found.account_id),
        evidence.source,
        evidence.evidence_key
    having sum(case when found.evidence_date <= {{ as_of_date() }} then 0 else 1 end) = 0
)

select * from final
