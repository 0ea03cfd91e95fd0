-- A month's closing is the next one's opening, per policy and segment (faults.md, invariant 1).
with months as (
    select
        *,
        lead(opening_mrr) over segment_history as next_opening_mrr,
        lead(opening_customers) over segment_history as next_opening_customers,
        lead(month) over segment_history as next_month
    from {{ ref('fct_mrr_by_month') }}
    window segment_history as (
        partition by policy_id, segment_type, segment_value order by month
    )
)

select *
from months
where (
    next_month = {{ add_months('month', 1) }}
    and (next_opening_mrr <> closing_mrr or next_opening_customers <> closing_customers)
)
or (coalesce(next_month, month) > {{ add_months('month', 1) }} and closing_mrr <> 0)
