-- From the official policy to another, the steps sum to the whole difference of a customer's month,
-- to the cent (metrics.md 3). Where either counts parent accounts, a customer's part cannot be
-- told.
with bridge as (
    select
        month,
        customer_id,
        to_policy_id,
        sum(difference) as difference
    from {{ ref('fct_mrr_policy_bridge') }}
    group by
        month,
        customer_id,
        to_policy_id
),

policies as (
    select * from {{ ref('dim_metric_policies') }}
),

comparable as (
    select other.policy_id
    from policies as other
    inner join policies as official
        on official.is_official
        and other.policy_id <> official.policy_id
        and other.grain <> 'parent_account'
        and official.grain <> 'parent_account'
),

customer_months as (
    select * from {{ ref('fct_mrr_by_customer_month') }}
),

wholes as (
    select
        comparable.policy_id as to_policy_id,
        customer_months.customer_id,
        customer_months.month,
        sum(
            case
                when customer_months.policy_id = comparable.policy_id
                    then customer_months.closing_mrr
                else -customer_months.closing_mrr
            end
        ) as difference
    from comparable
    inner join customer_months
        on customer_months.policy_id in (comparable.policy_id, '{{ var("official_policy") }}')
    group by
        comparable.policy_id,
        customer_months.customer_id,
        customer_months.month
)

select
    wholes.*,
    bridge.difference as bridged
from wholes
full outer join bridge
    on wholes.to_policy_id = bridge.to_policy_id
    and wholes.customer_id = bridge.customer_id
    and wholes.month = bridge.month
where coalesce(wholes.difference, 0) <> coalesce(bridge.difference, 0)
    and coalesce(wholes.to_policy_id, bridge.to_policy_id) in (select policy_id from comparable)
