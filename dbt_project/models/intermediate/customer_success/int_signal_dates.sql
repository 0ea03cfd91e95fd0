-- The days of which signals and scores are looked at: the as-of date, 30 days before it, and the
-- ends of complete months. One row per day.
with months as (
    select * from {{ ref('int_months') }}
),

listed as (
    select
        month_end_date as seen_date,
        1 as month_end,
        case
            when {{ months_between_firsts('month', first_of_month(as_of_date())) }}
                <= {{ var('signal_history_months') }} then 1
            else 0
        end as recent_month_end
    from months
    where is_complete
    union all
    select {{ as_of_date() }}, 0, 0
    union all
    select {{ add_days(as_of_date(), -30) }}, 0, 0
),

final as (
    select
        seen_date,
        seen_date = {{ as_of_date() }} as is_latest,
        max(month_end) = 1 as is_month_end,
        max(recent_month_end) = 1 as is_recent_month_end
    from listed
    group by seen_date
)

select * from final
