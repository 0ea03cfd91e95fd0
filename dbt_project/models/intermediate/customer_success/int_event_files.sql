-- The landed files of product events, and which of them are new since the last release: what
-- decides which days int_event_days sums up again. A file that has gone or was replaced, or another
-- time zone, means all days (`is_rebuilt`). One row per file.
{% set previous = previous_version() %}
with arrivals as (
    select
        file_name,
        file_loaded_at,
        count(*) as row_count
    from {{ ref('stg_product__events') }}
    group by
        file_name,
        file_loaded_at
),

{%- if previous is not none %}

known as (
    select
        file_name,
        file_loaded_at,
        row_count,
        reporting_timezone
    from {{ previous }}
),

missing as (
    select count(*) as missing_count
    from known
    left join arrivals
        on known.file_name = arrivals.file_name
        and known.file_loaded_at = arrivals.file_loaded_at
        and known.row_count = arrivals.row_count
    where arrivals.file_name is null
        or known.reporting_timezone <> '{{ var("reporting_timezone") }}'
),
{%- endif %}

final as (
    select
        arrivals.file_name,
        arrivals.file_loaded_at,
        arrivals.row_count,
        '{{ var("reporting_timezone") }}' as reporting_timezone,
        {%- if previous is not none %}
        known.file_name is null as is_new,
        missing.missing_count > 0 as is_rebuilt
        {%- else %}
        true as is_new,
        true as is_rebuilt
        {%- endif %}
    from arrivals
    {%- if previous is not none %}
    cross join missing
    left join known
        on arrivals.file_name = known.file_name
        and arrivals.file_loaded_at = known.file_loaded_at
    {%- endif %}
)

select * from final
