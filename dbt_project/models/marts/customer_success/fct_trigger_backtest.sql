with counts as (
    select * from {{ ref('int_backtest_counts') }}
    where kind in ('trigger', 'any_risk')
),

lifts as (
    select * from {{ ref('int_backtest_lifts_fitted') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
    where is_current
),

final as (
    select
        counts.subject as trigger_key,
        counts.scope,
        counts.as_of_date,
        coalesce(triggers.direction, 'risk') as direction,
        coalesce(triggers.owner_role, 'all') as owner_role,
        counts.customers,
        counts.churned as churned_customers,
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
        counts.median_days_of_warning,
        counts.churned_mrr,
        counts.foreseen_mrr,
        {{ ratio('counts.foreseen_mrr', 'counts.churned_mrr') }} as foreseen_mrr_share,
        case
            when coalesce(triggers.direction, 'risk') = 'risk'
                then coalesce(lifts.lift_low, 0) <= 1
        end as not_informative,
        counts.alerts < {{ small_sample_size() }} as is_small_sample
    from counts
    left join lifts
        on counts.kind = lifts.kind
        and counts.subject = lifts.subject
        and counts.scope = lifts.scope
        and counts.as_of_date = lifts.as_of_date
    left join triggers
        on counts.subject = triggers.trigger_key
)

select * from final
