-- Channel and motion of every customer: its account's first lead (first touch). One row per customer
-- that has a lead; all others are `unknown` where they are read.
with leads as (
    select * from {{ ref('stg_crm__leads') }}
    where is_current
        and account_id is not null
),

accounts as (
    select
        account_id,
        coalesce(billing_customer_id, account_id) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where is_current
),

customer_leads as (
    select
        coalesce(accounts.customer_id, leads.account_id) as customer_id,
        leads.lead_id,
        leads.channel,
        leads.campaign,
        leads.motion,
        leads.awareness_at
    from leads
    left join accounts
        on leads.account_id = accounts.account_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id order by awareness_at, lead_id
        ) as touch_number
    from customer_leads
),

final as (
    select
        customer_id,
        lead_id,
        channel,
        campaign,
        motion
    from ranked
    where touch_number = 1
)

select * from final
