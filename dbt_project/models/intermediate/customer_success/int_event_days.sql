-- Product events, once each, summed by account, user, event and local day. Days after the as-of
-- date are in it, so that a later as-of date needs no new sums; readers leave them out. One row per
-- account, user (null = unknown), event and day.
with arrivals as (
    select * from {{ ref('stg_product__events') }}
),

-- Unique by id: of rows that share one, the earliest received counts, then the lowest content.
numbered as (
    select
        *,
        row_number() over (
            partition by event_id
            order by
                received_at nulls last, occurred_at, account_id, event, user_id nulls first
        ) as arrival_number
    from arrivals
),

final as (
    select
        account_id,
        user_id,
        event,
        occurred_date as activity_date,
        count(*) as event_count
    from numbered
    where arrival_number = 1
    group by
        account_id,
        user_id,
        event,
        occurred_date
)

select * from final
