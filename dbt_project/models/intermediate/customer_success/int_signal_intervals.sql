{{ config(materialized='view') }}

-- All signals (docs/signal_rules.md 1). One row per account, signal and interval.
with measured as (
    select * from {{ ref('int_signals_measured') }}
),

health as (
    select * from {{ ref('int_health_intervals') }}
),

final as (
    select
        account_id,
        signal,
        from_date,
        to_date,
        value,
        slope,
        detail
    from measured
    union all
    select
        account_id,
        {{ signal_columns('health_score', 'score') }}
    from health
    where score is not null
)

select * from final
