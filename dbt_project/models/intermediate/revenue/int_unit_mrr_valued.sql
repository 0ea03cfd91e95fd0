-- Native MRR with the rate that values it: at each change, and where only the rate moves
-- (docs/mrr_rules.md 7). One row per series, unit, currency and day; `rate` is null where none is
-- known.
with changes as (
    select * from {{ ref('int_unit_native_mrr_changes') }}
),

series as (
    select * from {{ ref('int_mrr_series') }}
),

months as (
    select * from {{ ref('int_months') }}
),

rates as (
    select * from {{ ref('int_fx_rates_by_day') }}
),

first_rates as (
    select
        currency,
        rate_date
    from {{ ref('int_fx_rate_intervals') }}
    where is_first
),

foreign_changes as (
    select
        changes.*,
        series.fx,
        series.movement_grain,
        series.constant_fx_date
    from changes
    inner join series
        on changes.series_id = series.series_id
    where changes.currency <> '{{ var("reporting_currency") }}'
),

-- Month by month what stands is valued anew.
revaluations as (
    select
        foreign_changes.series_id,
        foreign_changes.unit_id,
        foreign_changes.currency,
        case
            when foreign_changes.movement_grain = 'month_end' then months.month_end_date
            else months.month
        end as change_date,
        foreign_changes.native_after as native_before,
        foreign_changes.native_after,
        foreign_changes.fx,
        foreign_changes.constant_fx_date
    from foreign_changes
    inner join months
        on foreign_changes.change_date < case
            when foreign_changes.movement_grain = 'month_end' then months.month_end_date
            else months.month
        end
        and coalesce(foreign_changes.next_change_date, {{ end_of_time() }}) > case
            when foreign_changes.movement_grain = 'month_end' then months.month_end_date
            else months.month
        end
    where foreign_changes.fx = 'period_end'
        and foreign_changes.native_after > 0
),

foreign_rows as (
    select series_id, unit_id, currency, change_date, native_before, native_after, fx,
        constant_fx_date
    from foreign_changes
    union all
    select * from revaluations
),

dated as (
    select
        foreign_rows.*,
        {{ valuation_date(
            'foreign_rows', 'foreign_rows.change_date', 'foreign_rows.change_date',
            'first_rates.rate_date'
        ) }} as valuation_date
    from foreign_rows
    left join first_rates
        on foreign_rows.currency = first_rates.currency
),

final as (
    select
        series_id,
        unit_id,
        currency,
        change_date,
        native_before,
        native_after,
        change_date as valuation_date,
        cast(1 as decimal(18, 10)) as rate
    from changes
    where currency = '{{ var("reporting_currency") }}'
    union all
    select
        dated.series_id,
        dated.unit_id,
        dated.currency,
        dated.change_date,
        dated.native_before,
        dated.native_after,
        dated.valuation_date,
        cast(rates.rate as decimal(18, 10)) as rate
    from dated
    left join rates
        on dated.currency = rates.currency
        and dated.valuation_date = rates.valuation_date
)

select * from final
