with source as (
    select *
    from {{ source('product', 'entitlements') }}
    where {{ was_known() }}
),

-- Unique by account, limit and time; of rows that share them the lowest content counts.
numbered as (
    select
        *,
        row_number() over (
            partition by account_id, limit_key, measured_at
            order by limit_value, used_value
        ) as arrival_number
    from source
),

final as (
    select
        -- ids
        account_id,
        -- strings
        limit_key,
        -- numerics
        limit_value,
        used_value,
        -- dates
        measured_at,
        {{ local_date('measured_at') }} as measured_date
    from numbered
    where arrival_number = 1
        and {{ local_date('measured_at') }} <= {{ as_of_date() }}
)

select * from final
