-- The months of win-back hold the churns of fct_churn_events, and what came back is the same by the
-- month of the churn and by the month of the return.
with months as (
    select
        sum(churns) as churns,
        sum(returned) as returned,
        sum(mrr_lost) as mrr_lost,
        sum(mrr_recovered) as mrr_recovered,
        sum(returns_in_month) as returns_in_month,
        sum(mrr_regained_in_month) as mrr_regained_in_month
    from {{ ref('fct_winback_by_month') }}
),

events as (
    select
        count(*) as churns,
        count(returned_at) as returned,
        sum(mrr_lost) as mrr_lost
    from {{ ref('fct_churn_events') }}
    where policy_id = '{{ var("official_policy") }}'
)

select *
from months
cross join events
where coalesce(months.churns, 0) <> events.churns
    or coalesce(months.returned, 0) <> events.returned
    or coalesce(months.mrr_lost, 0) <> coalesce(events.mrr_lost, 0)
    or months.returned <> months.returns_in_month
    or months.mrr_recovered <> months.mrr_regained_in_month
