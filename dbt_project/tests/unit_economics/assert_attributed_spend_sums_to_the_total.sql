-- At the widest loading every booking that counts by the as-of date is in a month, once, and the
-- channels sum to the blended row, under every policy and at every loading (faults.md, invariant
-- 9).
with bookings as (
    select
        {{ add_months('spend_month', var('cac_lag_months')) }} as month,
        amount
    from {{ ref('int_spend_converted') }}
),

totals as (
    select
        month,
        sum(amount) as total_spend
    from bookings
    where month <= {{ as_of_date() }}
    group by month
),

costs as (
    select * from {{ ref('fct_cac_by_channel_month') }}
),

attributed as (
    select
        policy_id,
        month,
        loading_no,
        loading_no = max(loading_no) over () as is_widest,
        sum(case when is_blended then spend end) as blended_spend,
        sum(case when not is_blended then spend end) as channel_spend
    from costs
    group by
        policy_id,
        month,
        loading_no
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

expected as (
    select
        policies.policy_id,
        totals.month,
        totals.total_spend
    from policies
    cross join totals
)

select
    coalesce(attributed.policy_id, expected.policy_id) as policy_id,
    coalesce(attributed.month, expected.month) as month,
    attributed.loading_no,
    attributed.blended_spend,
    attributed.channel_spend,
    expected.total_spend
from attributed
full outer join expected
    on attributed.policy_id = expected.policy_id
    and attributed.month = expected.month
where coalesce(attributed.blended_spend, 0) <> coalesce(attributed.channel_spend, 0)
    or (
        coalesce(attributed.is_widest, true)
        and coalesce(attributed.blended_spend, 0) <> coalesce(expected.total_spend, 0)
    )
