{{ config(materialized='view') }}

-- Events as they arrived: a view, and not yet one row per event. Events are many; they are made one
-- and summed up by day in int_event_days, only where files have come or gone.
select
    -- ids
    id as event_id,
    account_id,
    user_id,
    -- strings
    event,
    -- dates
    occurred_at,
    received_at,
    {{ local_date('occurred_at') }} as occurred_date,
    -- arrival
    _file as file_name,
    _loaded_at as file_loaded_at
from {{ source('product', 'events') }}
where {{ was_known() }}
