with snapshots as (
    select * from {{ ref('int_health_snapshots') }}
    where as_of_date <= {{ as_of_date() }}
),

final as (
    select
        account_id,
        customer_id,
        as_of_date,
        as_of_date = {{ as_of_date() }} as is_latest,
        is_replayed,
        score,
        colour,
        coverage,
        cast(score_change_30d as decimal(9, 4)) as score_change_30d,
        health_version_id,
        reason_1,
        reason_1_cost,
        reason_2,
        reason_2_cost,
        reason_3,
        reason_3_cost
    from snapshots
)

select * from final
