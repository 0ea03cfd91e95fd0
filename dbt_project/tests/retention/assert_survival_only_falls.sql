-- Survival begins at 1 with everyone at risk, never rises, stays inside its interval, and loses
-- each churned customer once.
with days as (
    select
        *,
        lag(survival) over curve as survival_before,
        lag(at_risk - churned) over curve as left_before,
        row_number() over curve as day_number
    from {{ ref('fct_survival_by_segment') }}
    window curve as (partition by policy_id, segment_type, segment_value order by day_of_life)
)

select *
from days
where (day_number = 1 and (day_of_life <> 0 or at_risk <> customers or survival <> 1))
    or survival > survival_before
    or at_risk > left_before
    or churned > at_risk
    or (churned = 0 and survival <> survival_before)
    or survival not between low and high
