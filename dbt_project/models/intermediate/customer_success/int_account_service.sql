-- When an account was in service: some subscription of its customer was there, in trial, paying,
-- past due or paused. One row per account and stretch [from_date, to_date).
with accounts as (
    select * from {{ ref('int_accounts') }}
),

timeline as (
    select * from {{ ref('int_subscription_timeline') }}
    where not is_out_service_end
        and state <> 'incomplete'
),

stretches as (
    select
        accounts.account_id,
        timeline.from_date,
        timeline.to_date
    from timeline
    inner join accounts
        on timeline.customer_id = accounts.customer_id
),

final as (
    {{ merged_stretches('stretches', ['account_id']) }}
)

select * from final
