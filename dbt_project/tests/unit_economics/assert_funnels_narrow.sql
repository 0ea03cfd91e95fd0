-- Each step holds at most those of the step before; every breakdown holds every lead of the
-- month once.
with funnel as (
    select * from {{ ref('fct_acquisition_funnel_by_month') }}
),

totals as (
    select
        month,
        breakdown,
        sum(leads) as leads,
        sum(converted) as converted
    from funnel
    group by
        month,
        breakdown
),

disagreeing as (
    select month
    from totals
    group by month
    having min(leads) <> max(leads)
        or min(converted) <> max(converted)
        or count(*) <> 5
)

select
    month,
    breakdown
from funnel
where considered > leads
    or trials > considered
    or converted > considered
    or trials_converted > trials
    or converted + lost + still_open <> leads
union all
select
    month,
    'all' as breakdown
from disagreeing
