-- The MRR of a unit in the reporting currency, rounded once, where it changes (docs/mrr_rules.md
-- 7).
with valued as (
    select * from {{ ref('int_unit_mrr_valued') }}
),

policies as (
    select * from {{ ref('int_metric_policy_computations') }}
),

counted as (
    select * from {{ ref('int_subscription_counted_intervals') }}
),

parents as (
    select * from {{ ref('int_customer_parents') }}
),

-- Where a policy keeps customers at 0 MRR, it matters whether a subscription still counts.
counted_changes as (
    select variant_id, customer_id, subscription_id, from_date as change_date, 1 as counted_change
    from counted
    union all
    select variant_id, customer_id, subscription_id, to_date, -1
    from counted
),

counted_days as (
    select
        policies.policy_id,
        case policies.grain
            when 'subscription' then counted_changes.subscription_id
            when 'parent_account'
                then coalesce(parents.parent_unit_id, counted_changes.customer_id)
            else counted_changes.customer_id
        end as unit_id,
        {{ effective_date('counted_changes.change_date', 'policies') }} as change_date,
        sum(counted_changes.counted_change) as counted_change
    from counted_changes
    inner join policies
        on counted_changes.variant_id = policies.variant_id
        and policies.zero_mrr_customer = 'active'
    left join parents
        on counted_changes.customer_id = parents.customer_id
    where counted_changes.change_date <= {{ as_of_date() }}
    group by all
    having sum(counted_changes.counted_change) <> 0
),

days as (
    select
        policy_id,
        unit_id,
        change_date,
        value_revalued - value_before as fx_change,
        value_after - value_revalued as own_change,
        0 as counted_change
    from valued
    union all
    select policy_id, unit_id, change_date, 0, 0, counted_change
    from counted_days
),

unit_days as (
    select
        policy_id,
        unit_id,
        change_date,
        sum(fx_change) as fx_change,
        sum(own_change) as own_change,
        sum(counted_change) as counted_change
    from days
    group by
        policy_id,
        unit_id,
        change_date
),

swept as (
    select
        policy_id,
        unit_id,
        change_date,
        fx_change,
        own_change,
        sum(fx_change + own_change) over unit_history as exact_after,
        sum(counted_change) over unit_history as counted_after
    from unit_days
    window unit_history as (partition by policy_id, unit_id order by change_date)
),

rounded as (
    select
        policy_id,
        unit_id,
        change_date,
        fx_change,
        own_change,
        exact_after,
        {{ to_cents('exact_after') }} as mrr_after,
        counted_after
    from swept
),

-- Rounding exact values is dear: two of the three are known from their neighbours.
valued_days as (
    select
        policy_id,
        unit_id,
        change_date,
        coalesce(lag(mrr_after) over unit_history, 0) as mrr_before,
        case
            when own_change = 0 then mrr_after
            when fx_change = 0 then coalesce(lag(mrr_after) over unit_history, 0)
            else {{ to_cents('exact_after - own_change') }}
        end as mrr_revalued,
        mrr_after,
        counted_after
    from rounded
    window unit_history as (partition by policy_id, unit_id order by change_date)
),

-- Present at 0 MRR: while subscriptions have counted without a break since it was above 0.
stays as (
    select
        valued_days.*,
        policies.zero_mrr_customer = 'active' as keeps_zero_mrr,
        sum(case when valued_days.counted_after = 0 then 1 else 0 end) over (
            partition by valued_days.policy_id, valued_days.unit_id
            order by valued_days.change_date
        ) as stay_number
    from valued_days
    inner join policies
        on valued_days.policy_id = policies.policy_id
),

presence as (
    select
        *,
        mrr_after > 0
        or (
            keeps_zero_mrr
            and counted_after > 0
            and max(mrr_after) over (
                partition by policy_id, unit_id, stay_number
                order by change_date
                rows between unbounded preceding and current row
            ) > 0
        ) as is_present_after
    from stays
),

with_before as (
    select
        *,
        coalesce(
            lag(is_present_after) over (partition by policy_id, unit_id order by change_date),
            false
        ) as is_present_before
    from presence
),

final as (
    select
        policy_id,
        unit_id,
        change_date,
        mrr_before,
        mrr_revalued,
        mrr_after,
        is_present_before,
        is_present_after
    from with_before
    where mrr_before <> mrr_revalued
        or mrr_revalued <> mrr_after
        or is_present_before <> is_present_after
)

select * from final
