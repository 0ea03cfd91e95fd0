with source as (
    select *
    from {{ source('finance', 'fx_rates') }}
    where {{ was_known() }}
),

-- Unique by date and currency; of rows that share them the lowest rate counts.
final as (
    select
        -- strings
        upper(currency) as currency,
        -- numerics
        min(rate) as rate,
        -- dates
        rate_date
    from source
    where rate_date <= {{ as_of_date() }}
        and rate > 0
    group by
        upper(currency),
        rate_date
)

select * from final
