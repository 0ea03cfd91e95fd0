-- The figures of a close carry the hash that was taken when the month was closed: no row of a
-- closed month was changed, added or lost since.
select
    closes.close_id,
    closes.content_hash as as_closed,
    closed.content_hash as as_published
from {{ ref('stg_control__closes') }} as closes
left join (
    select
        close_id,
        {{ sha256_of_lines(closed_line()) }} as content_hash
    from {{ ref('fct_mrr_closed_periods') }}
    group by close_id
) as closed
    on closes.close_id = closed.close_id
where not closes.is_requested
    and closes.content_hash is distinct from closed.content_hash
