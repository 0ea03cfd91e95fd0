-- Channel and motion of every customer: one of its account's leads, by the rule in use (seed
-- attribution_rules, docs/unit_economics_rules.md 1). One row per customer that has a lead; all
-- others are `unknown` where they are read.
with leads as (
    select * from {{ ref('stg_crm__leads') }}
    where account_id is not null
        and (awareness_at is null or {{ local_date('awareness_at') }} <= {{ as_of_date() }})
),

accounts as (
    select
        account_id,
        coalesce(billing_customer_id, account_id) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where is_current
),

rules as (
    select * from {{ ref('attribution_rules') }}
    where is_used
),

customer_leads as (
    select
        coalesce(accounts.customer_id, leads.account_id) as customer_id,
        leads.lead_id,
        leads.channel,
        leads.campaign,
        leads.motion,
        leads.awareness_at,
        leads.converted_at
    from leads
    left join accounts
        on leads.account_id = accounts.account_id
),

-- A touch after the customer was won has not won it.
with_conversion as (
    select
        *,
        awareness_at > min(converted_at) over (partition by customer_id) as is_too_late
    from customer_leads
),

ranked as (
    select
        with_conversion.*,
        row_number() over (
            partition by with_conversion.customer_id
            order by
                case
                    when rules.rule = 'last_touch' and with_conversion.is_too_late then 1 else 0
                end,
                case when rules.rule = 'last_touch' then with_conversion.awareness_at end
                    desc nulls last,
                with_conversion.awareness_at nulls last,
                with_conversion.lead_id
        ) as touch_number
    from with_conversion
    cross join rules
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
