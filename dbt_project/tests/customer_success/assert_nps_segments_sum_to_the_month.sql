-- Every answer of a month is in exactly one member of each segment type, and in one group; the
-- interval holds the score.
with months as (
    select * from {{ ref('fct_nps_by_month') }}
),

totals as (
    select * from months
    where segment_type = 'all'
),

sums as (
    select
        month,
        segment_type,
        sum(responses) as responses,
        sum(promoters) as promoters,
        sum(detractors) as detractors
    from months
    group by
        month,
        segment_type
)

select
    sums.month,
    sums.segment_type,
    'sum' as fault
from sums
inner join totals
    on sums.month = totals.month
where sums.responses <> totals.responses
    or sums.promoters <> totals.promoters
    or sums.detractors <> totals.detractors
union all
select
    month,
    segment_type,
    'group'
from months
where promoters + passives + detractors <> responses
    or nps < nps_low
    or nps > nps_high
