with closes as (
    select * from {{ ref('stg_control__closes') }}
),

stored as (
    select
        closed_rows.close_id,
        closed_rows.policy_id,
        closed_rows.customer_id,
        {%- for part in mrr_parts() %}
        closed_rows.{{ part }}_mrr{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_control__closed_rows') }} as closed_rows
),

-- The month that this run closes is copied from the figures it publishes.
requested as (
    select
        closes.close_id,
        figures.policy_id,
        figures.customer_id,
        {%- for part in mrr_parts() %}
        figures.{{ part }}_mrr{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_by_customer_month') }} as figures
    inner join closes
        on figures.month = closes.month
        and closes.is_requested
),

closed as (
    select * from stored
    union all
    select * from requested
),

hashed as (
    select
        close_id,
        {{ sha256_of_lines(closed_line()) }} as content_hash
    from closed
    group by close_id
),

final as (
    select
        closed.close_id,
        closed.policy_id,
        closed.customer_id,
        closes.month,
        {%- for part in mrr_parts() %}
        cast(closed.{{ part }}_mrr as decimal(18, 2)) as {{ part }}_mrr,
        {%- endfor %}
        closes.closed_at,
        closes.closed_by,
        closes.release_n,
        hashed.content_hash,
        closes.is_in_force,
        closes.reopened_at,
        closes.reopened_by,
        closes.reopen_reason
    from closed
    inner join closes
        on closed.close_id = closes.close_id
    inner join hashed
        on closed.close_id = hashed.close_id
)

select * from final
