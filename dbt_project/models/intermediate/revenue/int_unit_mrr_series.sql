-- The MRR of a unit in the reporting currency, rounded once, where it changes (docs/mrr_rules.md
-- 7). One row per series, unit and day.
with valued as (
    select * from {{ ref('int_unit_mrr_valued') }}
),

summed as (
    select * from {{ ref('int_unit_mrr_summed') }}
),

series as (
    select * from {{ ref('int_mrr_series') }}
),

summed_units as (
    select
        series_id,
        unit_id
    from summed
    group by
        series_id,
        unit_id
),

-- Rounding exactly is dear, and the same amounts come again and again.
amounts as (
    select
        native_after,
        coalesce(rate, 0) as rate
    from valued
    group by all
),

cents as (
    select
        native_after,
        rate,
        {{ to_cents('(' ~ at_rate('native_after', 'rate') ~ ')') }} as value
    from amounts
),

-- Nearly all units: what one currency says is all there is, so nothing has to be summed.
read_off as (
    select
        valued.series_id,
        valued.unit_id,
        valued.change_date,
        -- Null: as before.
        case
            when valued.native_before = valued.native_after then cents.value
            when valued.currency <> '{{ var("reporting_currency") }}'
                then {{ to_cents(
                    '(' ~ at_rate('valued.native_before', 'coalesce(valued.rate, 0)') ~ ')'
                ) }}
        end as mrr_revalued,
        cents.value as mrr_after
    from valued
    inner join series
        on valued.series_id = series.series_id
        and series.zero_mrr_customer = 'churned'
    inner join cents
        on valued.native_after = cents.native_after
        and coalesce(valued.rate, 0) = cents.rate
    left join summed_units
        on valued.series_id = summed_units.series_id
        and valued.unit_id = summed_units.unit_id
    where summed_units.unit_id is null
),

days as (
    select series_id, unit_id, change_date, mrr_revalued, mrr_after, mrr_after > 0
        as is_present_after
    from read_off
    union all
    select series_id, unit_id, change_date, mrr_revalued, mrr_after, is_present_after
    from summed
),

with_before as (
    select
        series_id,
        unit_id,
        change_date,
        coalesce(lag(mrr_after) over unit_history, 0) as mrr_before,
        mrr_revalued,
        mrr_after,
        coalesce(lag(is_present_after) over unit_history, false) as is_present_before,
        is_present_after
    from days
    window unit_history as (partition by series_id, unit_id order by change_date)
),

final as (
    select
        series_id,
        unit_id,
        change_date,
        mrr_before,
        coalesce(mrr_revalued, mrr_before) as mrr_revalued,
        mrr_after,
        is_present_before,
        is_present_after
    from with_before
    where mrr_before <> coalesce(mrr_revalued, mrr_before)
        or coalesce(mrr_revalued, mrr_before) <> mrr_after
        or is_present_before <> is_present_after
)

select * from final
