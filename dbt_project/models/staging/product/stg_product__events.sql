{{ config(materialized='view') }}

with source as (
    select *
    from {{ source('product', 'events') }}
    where {{ was_known() }}
),

-- Unique by id: of rows that share one, the earliest received counts, then the lowest content.
numbered as (
    select
        *,
        row_number() over (
            partition by id
            order by
                received_at nulls last, occurred_at, account_id, event,
                user_id nulls first, properties nulls first
        ) as arrival_number
    from source
),

final as (
    select
        -- ids
        id as event_id,
        account_id,
        user_id,
        -- strings
        event,
        properties,
        -- dates
        occurred_at,
        received_at,
        {{ local_date('occurred_at') }} as occurred_date
    from numbered
    where arrival_number = 1
        and {{ local_date('occurred_at') }} <= {{ as_of_date() }}
)

select * from final
