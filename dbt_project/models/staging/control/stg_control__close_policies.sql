-- The policies of each close that were closed with it. One row per close and policy.
with source as (
    select * from {{ source('control', 'closes') }}
    where not is_requested
),

final as (
    select
        close_id,
        {{ list_elements('policies') }} as policy_id
    from source
)

select * from final
