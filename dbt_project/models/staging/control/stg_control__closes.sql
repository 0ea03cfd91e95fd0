-- Closes as decided by now, and the one that this run makes. One row per close.
with source as (
    select * from {{ source('control', 'closes') }}
),

run as (
    select * from {{ source('control', 'run') }}
),

final as (
    select
        source.close_id,
        source.closed_by,
        source.content_hash,
        source.reopened_by,
        source.reopen_reason,
        coalesce(source.release_n, run.release_n) as release_n,
        source.is_requested,
        source.reopened_at is null as is_in_force,
        source.month,
        source.closed_at,
        source.reopened_at
    from source
    cross join run
)

select * from final
