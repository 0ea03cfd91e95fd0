with churns as (
    select * from {{ ref('int_churn_events_explained') }}
),

months as (
    select * from {{ ref('int_months') }}
),

sums as (
    select
        policy_id,
        {{ first_of_month('churn_date') }} as month,
        coalesce(churn_feedback, 'none') as churn_feedback,
        count(*) as churned_customers,
        sum(mrr_lost) as mrr_lost,
        sum(case when returned_date is not null then 1 else 0 end) as returned_customers,
        sum(tenure_days) as tenure_days
    from churns
    group by
        policy_id,
        {{ first_of_month('churn_date') }},
        coalesce(churn_feedback, 'none')
),

with_totals as (
    select
        *,
        sum(churned_customers) over month_churn as month_churned_customers,
        sum(mrr_lost) over month_churn as month_mrr_lost
    from sums
    window month_churn as (partition by policy_id, month)
),

final as (
    select
        with_totals.policy_id,
        with_totals.month,
        with_totals.churn_feedback,
        cast(with_totals.churned_customers as bigint) as churned_customers,
        cast(with_totals.mrr_lost as decimal(18, 2)) as mrr_lost,
        {{ ratio('with_totals.churned_customers', 'with_totals.month_churned_customers') }}
            as share_of_customers,
        {{ ratio('with_totals.mrr_lost', 'with_totals.month_mrr_lost') }} as share_of_mrr,
        cast(with_totals.returned_customers as bigint) as returned_customers,
        {{ ratio('with_totals.tenure_days', 'with_totals.churned_customers') }}
            as average_tenure_days,
        months.is_complete
    from with_totals
    inner join months
        on with_totals.month = months.month
)

select * from final
