-- This run and the release that it follows. One row.
select
    run_id,
    release_n,
    is_code_changed,
    started_at,
    previous_published_at,
    previous_as_of
from {{ source('control', 'run') }}
