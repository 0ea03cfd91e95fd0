-- The MRR of the units for which it does not follow from one currency's changes: units with several
-- currencies, whose amounts are summed before they are rounded, and all units of policies that keep
-- customers at 0 MRR (docs/mrr_rules.md 7, 8). One row per series, unit and day.
with several_currencies as (
    select
        series_id,
        unit_id
    from {{ ref('int_unit_native_mrr_changes') }}
    group by
        series_id,
        unit_id
    having min(currency) <> max(currency)
),

series as (
    select * from {{ ref('int_mrr_series') }}
),

valued as (
    select
        valued.series_id,
        valued.unit_id,
        valued.currency,
        valued.change_date,
        {{ at_rate('valued.native_after', 'coalesce(valued.rate, 0)') }} as value_after,
        {{ at_rate('valued.native_before', 'coalesce(valued.rate, 0)') }} as value_revalued
    from {{ ref('int_unit_mrr_valued') }} as valued
    inner join series
        on valued.series_id = series.series_id
    left join several_currencies
        on valued.series_id = several_currencies.series_id
        and valued.unit_id = several_currencies.unit_id
    where series.zero_mrr_customer = 'active'
        or several_currencies.unit_id is not null
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
        series.series_id,
        {{ unit_of('counted_changes', 'series') }} as unit_id,
        {{ effective_date('counted_changes.change_date', 'series') }} as change_date,
        sum(counted_changes.counted_change) as counted_change
    from counted_changes
    inner join series
        on counted_changes.variant_id = series.variant_id
        and series.zero_mrr_customer = 'active'
    left join parents
        on counted_changes.customer_id = parents.customer_id
    where counted_changes.change_date <= {{ as_of_date() }}
    group by all
    having sum(counted_changes.counted_change) <> 0
),

value_changes as (
    select
        series_id,
        unit_id,
        change_date,
        value_revalued - coalesce(
            lag(value_after) over (
                partition by series_id, unit_id, currency order by change_date
            ),
            0
        ) as fx_change,
        value_after - value_revalued as own_change
    from valued
),

days as (
    select series_id, unit_id, change_date, fx_change, own_change, 0 as counted_change
    from value_changes
    union all
    select series_id, unit_id, change_date, 0, 0, counted_change
    from counted_days
),

unit_days as (
    select
        series_id,
        unit_id,
        change_date,
        sum(fx_change) as fx_change,
        sum(own_change) as own_change,
        sum(counted_change) as counted_change
    from days
    group by
        series_id,
        unit_id,
        change_date
),

swept as (
    select
        series_id,
        unit_id,
        change_date,
        fx_change,
        own_change,
        sum(fx_change + own_change) over unit_history as exact_after,
        sum(counted_change) over unit_history as counted_after
    from unit_days
    window unit_history as (partition by series_id, unit_id order by change_date)
),

rounded as (
    select
        swept.series_id,
        swept.unit_id,
        swept.change_date,
        {{ to_cents('swept.exact_after') }} as mrr_after,
        -- Null: as before.
        case
            when swept.own_change = 0 then {{ to_cents('swept.exact_after') }}
            when swept.fx_change <> 0
                then {{ to_cents('swept.exact_after - swept.own_change') }}
        end as mrr_revalued,
        swept.counted_after,
        series.zero_mrr_customer = 'active' as keeps_zero_mrr,
        sum(case when swept.counted_after = 0 then 1 else 0 end) over (
            partition by swept.series_id, swept.unit_id
            order by swept.change_date
        ) as stay_number
    from swept
    inner join series
        on swept.series_id = series.series_id
),

-- Present at 0 MRR: while subscriptions have counted without a break since it was above 0.
final as (
    select
        series_id,
        unit_id,
        change_date,
        mrr_revalued,
        mrr_after,
        mrr_after > 0
        or (
            keeps_zero_mrr
            and counted_after > 0
            and max(mrr_after) over (
                partition by series_id, unit_id, stay_number
                order by change_date
                rows between unbounded preceding and current row
            ) > 0
        ) as is_present_after
    from rounded
)

select * from final
