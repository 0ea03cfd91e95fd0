-- The figures that every LTV formula reads, by period (docs/unit_economics_rules.md 5). One row per
-- policy, period and segment; only `all` and channels have other periods than months.
with sums as (
    select * from {{ ref('int_ltv_sums_by_month') }}
),

margins as (
    select * from {{ ref('int_gross_margins') }}
),

trailing_churn as (
    select * from {{ ref('int_trailing_churn') }}
),

periods as (
    select * from {{ ref('int_unit_economics_periods') }}
),

period_margins as (
    select
        margins.policy_id,
        periods.period_type,
        periods.period_start,
        {{ ratio(
            'sum(' ~ margin_of('margins.mrr', 'margins.gross_margin') ~ ')', 'sum(margins.mrr)'
        ) }} as gross_margin,
        max(case when margins.margin_source = 'default' then 1 else 0 end) = 1
            as is_default_margin
    from margins
    inner join periods
        on margins.month = periods.month
    group by
        margins.policy_id,
        periods.period_type,
        periods.period_start
),

period_sums as (
    select
        sums.policy_id,
        periods.period_type,
        periods.period_start,
        periods.last_month,
        periods.is_complete,
        sums.segment_type,
        sums.segment_value,
        count(*) as months,
        sum(sums.base) as base,
        sum(sums.lost) as lost,
        sum(sums.customers) as customers,
        sum(sums.mrr) as mrr,
        sum(sums.mrr_squares) as mrr_squares
    from sums
    inner join periods
        on sums.month = periods.month
    where periods.period_type = 'month'
        or sums.segment_type in ('all', 'channel')
    group by
        sums.policy_id,
        periods.period_type,
        periods.period_start,
        periods.last_month,
        periods.is_complete,
        sums.segment_type,
        sums.segment_value
),

final as (
    select
        period_sums.policy_id,
        period_sums.period_type,
        period_sums.period_start,
        period_sums.last_month,
        period_sums.is_complete,
        period_sums.segment_type,
        period_sums.segment_value,
        cast(period_sums.months as bigint) as months,
        cast(period_sums.base as bigint) as base,
        cast(period_sums.lost as bigint) as lost,
        cast(period_sums.customers as bigint) as customers,
        cast(period_sums.mrr as decimal(18, 2)) as mrr,
        cast(period_sums.mrr_squares as decimal(38, 4)) as mrr_squares,
        period_margins.gross_margin,
        cast(round(period_margins.gross_margin * 1000000) as bigint) as margin_e6,
        coalesce(period_margins.is_default_margin, true) as is_default_margin,
        trailing_churn.trailing_e12,
        trailing_churn.trailing_base,
        trailing_churn.trailing_lost
    from period_sums
    left join period_margins
        on period_sums.policy_id = period_margins.policy_id
        and period_sums.period_type = period_margins.period_type
        and period_sums.period_start = period_margins.period_start
    left join trailing_churn
        on period_sums.policy_id = trailing_churn.policy_id
        and period_sums.last_month = trailing_churn.month
        and period_sums.segment_type = trailing_churn.segment_type
        and period_sums.segment_value = trailing_churn.segment_value
)

select * from final
