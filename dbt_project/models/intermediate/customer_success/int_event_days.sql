-- Product events, once each, summed by account, user, event and local day. A run sums up the days
-- that new files touch and takes the others from the last release; the result is that of all files
-- at once, whatever the order in which they came (docs/signal_rules.md 8). Days after the as-of
-- date are in it, so that a later as-of date needs no new sums; readers leave them out. One row per
-- account, user (null = unknown), event and day.
{% set previous = previous_version() %}
with arrivals as (
    select * from {{ ref('stg_product__events') }}
    -- A sentinel is no day; one such event would be the company's first.
    where occurred_date > cast('1970-01-01' as date)
),

files as (
    select * from {{ ref('int_event_files') }}
),

{%- if previous is not none %}

rebuilds as (
    select coalesce(max(case when is_rebuilt then 1 else 0 end), 1) = 1 as is_rebuilt
    from files
),

new_ids as (
    select arrivals.event_id
    from arrivals
    inner join files
        on arrivals.file_name = files.file_name
        and arrivals.file_loaded_at = files.file_loaded_at
    where files.is_new
        or files.is_rebuilt
    group by arrivals.event_id
),

-- With its id an event may have moved: the days of all its arrivals are summed up again.
touched_days as (
    select occurred_date
    from arrivals
    where event_id in (select event_id from new_ids)
    group by occurred_date
),

-- An event on such a day counts only if no arrival of it on another day comes first.
competing as (
    select *
    from arrivals
    where event_id in (
        select event_id
        from arrivals
        where occurred_date in (select occurred_date from touched_days)
    )
),
{%- else %}

competing as (
    select arrivals.*
    from arrivals
    inner join files
        on arrivals.file_name = files.file_name
        and arrivals.file_loaded_at = files.file_loaded_at
),
{%- endif %}

-- Unique by id: of rows that share one, the earliest received counts, then the lowest content.
numbered as (
    select
        *,
        row_number() over (
            partition by event_id
            order by
                received_at nulls last, occurred_at, account_id, event, user_id nulls first
        ) as arrival_number
    from competing
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
        {%- if previous is not none %}
        and occurred_date in (select occurred_date from touched_days)
        {%- endif %}
    group by
        account_id,
        user_id,
        event,
        occurred_date
    {%- if previous is not none %}
    union all
    select
        days.account_id,
        days.user_id,
        days.event,
        days.activity_date,
        days.event_count
    from {{ previous }} as days
    cross join rebuilds
    where not rebuilds.is_rebuilt
        and days.activity_date not in (select occurred_date from touched_days)
    {%- endif %}
)

select * from final
