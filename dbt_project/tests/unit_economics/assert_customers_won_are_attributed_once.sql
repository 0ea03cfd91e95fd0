-- Customers won sum over channels to the month's new customers and new MRR: nobody is dropped
-- for want of a lead.
with costs as (
    select
        policy_id,
        month,
        sum(case when is_blended then customers_won else 0 end) as blended_customers,
        sum(case when not is_blended then customers_won else 0 end) as channel_customers,
        sum(case when not is_blended then new_mrr else 0 end) as channel_mrr
    from {{ ref('fct_cac_by_channel_month') }}
    where loading_no = 1
    group by
        policy_id,
        month
),

months as (
    select * from {{ ref('fct_mrr_by_month') }}
    where segment_type = 'all'
)

select
    months.policy_id,
    months.month,
    months.new_customers,
    months.new_mrr,
    costs.*
from months
full outer join costs
    on months.policy_id = costs.policy_id
    and months.month = costs.month
where coalesce(months.new_customers, 0) <> coalesce(costs.blended_customers, 0)
    or coalesce(months.new_customers, 0) <> coalesce(costs.channel_customers, 0)
    or coalesce(months.new_mrr, 0) <> coalesce(costs.channel_mrr, 0)
