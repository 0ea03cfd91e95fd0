-- Policies that are defined otherwise than in the last release. One row per policy.
with source as (
    select * from {{ source('control', 'run') }}
),

final as (
    select {{ list_elements('changed_policies') }} as policy_id
    from source
)

select * from final
