with signals as (
    select * from {{ ref('int_signals_seen') }}
),

final as (
    select
        account_id,
        customer_id,
        seen_date as as_of_date,
        is_latest,
        signal,
        value,
        unit,
        since_date,
        evidence
    from signals
)

select * from final
