with counts as (
    select * from {{ ref('int_backtest_counts') }}
    where kind in ('score', 'component')
),

lifts as (
    select * from {{ ref('int_backtest_lifts_fitted') }}
),

areas as (
    select * from {{ ref('int_health_auc_fitted') }}
),

final as (
    select
        counts.subject,
        counts.kind,
        counts.scope,
        counts.as_of_date,
        counts.customers,
        counts.churned as churned_customers,
        cast(areas.auc as decimal(9, 6)) as auc,
        cast(areas.auc_low as decimal(9, 6)) as auc_low,
        cast(areas.auc_high as decimal(9, 6)) as auc_high,
        counts.alerts,
        counts.true_alerts,
        {{ ratio('counts.true_alerts', 'counts.alerts') }} as alert_precision,
        {{ wilson('counts.true_alerts', 'counts.alerts', 'low') }} as alert_precision_low,
        {{ wilson('counts.true_alerts', 'counts.alerts', 'high') }} as alert_precision_high,
        {{ ratio('counts.true_alerts', 'counts.churned') }} as recall,
        {{ wilson('counts.true_alerts', 'counts.churned', 'low') }} as recall_low,
        {{ wilson('counts.true_alerts', 'counts.churned', 'high') }} as recall_high,
        {{ ratio('counts.churned', 'counts.customers') }} as base_churn_rate,
        cast(lifts.lift as decimal(18, 6)) as lift,
        cast(lifts.lift_low as decimal(18, 6)) as lift_low,
        cast(lifts.lift_high as decimal(18, 6)) as lift_high,
        counts.churned_mrr,
        counts.foreseen_mrr,
        {{ ratio('counts.foreseen_mrr', 'counts.churned_mrr') }} as foreseen_mrr_share,
        case
            when counts.kind = 'score' then coalesce(areas.auc_low, 0) <= 0.5
            else coalesce(lifts.lift_low, 0) <= 1
        end as not_informative,
        counts.alerts < {{ small_sample_size() }} as is_small_sample
    from counts
    left join lifts
        on counts.kind = lifts.kind
        and counts.subject = lifts.subject
        and counts.scope = lifts.scope
        and counts.as_of_date = lifts.as_of_date
    left join areas
        on counts.kind = 'score'
        and counts.scope = areas.scope
        and counts.as_of_date = areas.as_of_date
)

select * from final
