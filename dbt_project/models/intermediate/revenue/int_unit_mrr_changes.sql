-- The series as its policy reads it: `same_month_new_and_churn = suppressed` takes out what came
-- and went inside one month (docs/mrr_rules.md 8).
with series as (
    select * from {{ ref('int_unit_mrr_series') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

kept as (
    select
        policies.policy_id,
        series.*,
        series.change_date as compared_date
    from series
    inner join policies
        on series.series_id = policies.series_id
    where policies.same_month_new_and_churn = 'both'
),

to_suppress as (
    select
        policies.policy_id,
        series.*,
        policies.fx,
        not series.is_present_after
        and coalesce(
            lead({{ first_of_month('series.change_date') }}) over unit_history
            = {{ first_of_month('series.change_date') }}
            and lead(series.is_present_after) over unit_history,
            false
        ) as is_brief_absence
    from series
    inner join policies
        on series.series_id = policies.series_id
        and policies.same_month_new_and_churn = 'suppressed'
    window unit_history as (
        partition by policies.policy_id, series.unit_id order by series.change_date
    )
),

-- (a) An absence inside one month is filled with the value before it, at the rates of its day;
-- `movement_day` has new rates only for what changes.
filled as (
    select
        *,
        case
            when lag(is_brief_absence) over (partition by policy_id, unit_id order by change_date)
                then lag(change_date) over (partition by policy_id, unit_id order by change_date)
            else change_date
        end as compared_date
    from to_suppress
),

without_absences as (
    select
        policy_id,
        series_id,
        unit_id,
        change_date,
        compared_date,
        mrr_before as mrr_before_unfilled,
        case when is_brief_absence and fx = 'movement_day' then mrr_before else mrr_revalued end
            as mrr_revalued,
        case
            when is_brief_absence and fx = 'movement_day' then mrr_before
            when is_brief_absence then mrr_revalued
            else mrr_after
        end as mrr_after,
        is_brief_absence or is_present_after as is_present_after
    from filled
),

rejoined as (
    select
        *,
        coalesce(lag(mrr_after) over unit_history, 0) as mrr_before,
        coalesce(lag(is_present_after) over unit_history, false) as is_present_before
    from without_absences
    window unit_history as (partition by policy_id, unit_id order by change_date)
),

-- (b) A month that opens and closes absent never was.
months as (
    select
        *,
        first_value(is_present_before) over unit_month as opens_present,
        last_value(is_present_after) over unit_month as closes_present
    from rejoined
    window unit_month as (
        partition by policy_id, unit_id, {{ first_of_month('change_date') }}
        order by change_date
        rows between unbounded preceding and unbounded following
    )
),

suppressed as (
    select
        policy_id,
        series_id,
        unit_id,
        change_date,
        mrr_before,
        -- What was filled is not revalued when the unit returns.
        case when mrr_before = mrr_before_unfilled then mrr_revalued else mrr_before end
            as mrr_revalued,
        mrr_after,
        is_present_before,
        is_present_after,
        compared_date
    from months
    where opens_present
        or closes_present
),

final as (
    select * from kept
    union all
    select * from suppressed
    where mrr_before <> mrr_revalued
        or mrr_revalued <> mrr_after
        or is_present_before <> is_present_after
)

select * from final
