-- What is committed starts from the MRR that is published for the as-of date, wherever a policy
-- counts by customer, values at period ends and lets refunds be; and its parts sum to it.
with published as (
    select
        figures.policy_id,
        figures.closing_mrr
    from {{ ref('fct_mrr_by_month') }} as figures
    inner join {{ ref('int_metric_policies_enabled') }} as policies
        on figures.policy_id = policies.policy_id
    where figures.segment_type = 'all'
        and figures.month = {{ first_of_month(as_of_date()) }}
        and policies.grain = 'customer'
        and policies.fx = 'period_end'
        and policies.refunds = 'ignored'
)

select
    scheduled.*,
    published.closing_mrr
from {{ ref('fct_scheduled_mrr_by_month') }} as scheduled
left join published
    on scheduled.policy_id = published.policy_id
where scheduled.current_mrr <> coalesce(published.closing_mrr, scheduled.current_mrr)
    or scheduled.committed_mrr
    <> scheduled.current_mrr + scheduled.ending_mrr + scheduled.trial_mrr + scheduled.starting_mrr
    + scheduled.resuming_mrr + scheduled.discount_mrr
