with source as (
    select *
    from {{ source('survey', 'nps_responses') }}
    where {{ was_known() }}
        -- An answer outside the scale says nothing.
        and score between 0 and 10
),

-- Unique by id; of rows that share one the earliest answer counts, then the lowest content.
numbered as (
    select
        *,
        row_number() over (
            partition by id
            order by responded_at, account_id, score, user_id nulls first, comment nulls first
        ) as arrival_number
    from source
),

final as (
    select
        -- ids
        id as response_id,
        account_id,
        user_id,
        -- strings
        comment,
        case
            when score >= 9 then 'promoter'
            when score >= 7 then 'passive'
            else 'detractor'
        end as nps_group,
        -- numerics
        cast(score as integer) as score,
        -- dates
        responded_at,
        {{ local_date('responded_at') }} as responded_date
    from numbered
    where arrival_number = 1
        and {{ local_date('responded_at') }} <= {{ as_of_date() }}
)

select * from final
