-- Who is not to be approached as of the as-of date, by seed outreach_opt_outs. One row per subject
-- and list; an account's opt-out is its customer's, list_key all is every list.
with opt_outs as (
    select * from {{ ref('outreach_opt_outs') }}
    where valid_from <= {{ as_of_date() }}
        and coalesce(valid_to, {{ end_of_time() }}) > {{ as_of_date() }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

final as (
    select
        case when opt_outs.subject_type = 'account' then 'customer' else opt_outs.subject_type end
            as subject_type,
        coalesce(accounts.customer_id, opt_outs.subject_id) as subject_id,
        coalesce(opt_outs.list_key, 'all') as list_key
    from opt_outs
    left join accounts
        on opt_outs.subject_type = 'account'
        and opt_outs.subject_id = accounts.account_id
    group by
        case when opt_outs.subject_type = 'account' then 'customer' else opt_outs.subject_type end,
        coalesce(accounts.customer_id, opt_outs.subject_id),
        coalesce(opt_outs.list_key, 'all')
)

select * from final
