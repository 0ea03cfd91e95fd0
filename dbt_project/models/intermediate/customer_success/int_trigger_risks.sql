-- What share of MRR an alert puts at risk: of a risk trigger the share of its alerts that churn
-- followed, once 30 of them can be judged; else what its severity says. One row per trigger.
with counts as (
    select * from {{ ref('int_backtest_counts') }}
    where kind = 'trigger'
        and scope = 'pooled'
),

severities as (
    select * from {{ ref('severities') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
    where is_current
),

final as (
    select
        triggers.trigger_key,
        triggers.direction = 'risk'
        and coalesce(counts.alerts, 0) >= {{ small_sample_size() }} as is_measured,
        cast(
            case
                when triggers.direction = 'risk'
                    and coalesce(counts.alerts, 0) >= {{ small_sample_size() }}
                    then {{ ratio('counts.true_alerts', 'counts.alerts') }}
                else severities.risk
            end as decimal(9, 6)
        ) as risk
    from triggers
    inner join severities
        on triggers.severity = severities.severity
    left join counts
        on triggers.trigger_key = counts.subject
)

select * from final
