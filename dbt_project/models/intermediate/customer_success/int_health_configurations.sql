-- The configurations of the health score: which components count in a segment and with what weight,
-- from when to when, and the version id of all of it. One row per configuration, segment and
-- component. A row for the segment takes the place of the one for all.
with components as (
    select * from {{ ref('health_components') }}
),

colours as (
    select * from {{ ref('health_colours') }}
),

boundaries as (
    select valid_from as boundary_date
    from components
    union
    select valid_to
    from components
    where valid_to is not null
    union
    select valid_from
    from colours
    union
    select valid_to
    from colours
    where valid_to is not null
),

configurations as (
    select
        boundary_date as config_from_date,
        coalesce(lead(boundary_date) over (order by boundary_date), {{ end_of_time() }})
            as config_to_date
    from boundaries
),

parts as (
    select
        configurations.config_from_date,
        'component ' || components.component || ' ' || components.signal || ' '
        || components.weight || ' ' || components.red_from || ' ' || components.green_from || ' '
        || coalesce(components.segment, '') as part
    from configurations
    inner join components
        on configurations.config_from_date >= components.valid_from
        and configurations.config_from_date < coalesce(components.valid_to, {{ end_of_time() }})
    union all
    select
        configurations.config_from_date,
        'colour ' || colours.colour || ' ' || colours.score_from
    from configurations
    inner join colours
        on configurations.config_from_date >= colours.valid_from
        and configurations.config_from_date < coalesce(colours.valid_to, {{ end_of_time() }})
),

-- The same rules have the same id, whenever and in whatever order they are written down.
versions as (
    select
        config_from_date,
        {{ text_digest('part') }} as health_version_id
    from parts
    group by config_from_date
),

segments as (
    select segment
    from {{ ref('int_accounts') }}
    group by segment
),

applied as (
    select
        configurations.config_from_date,
        configurations.config_to_date,
        segments.segment,
        components.component,
        components.signal,
        components.weight,
        components.red_from,
        components.green_from,
        row_number() over (
            partition by
                configurations.config_from_date, segments.segment, components.component
            order by components.segment nulls last
        ) as preference
    from configurations
    cross join segments
    inner join components
        on configurations.config_from_date >= components.valid_from
        and configurations.config_from_date < coalesce(components.valid_to, {{ end_of_time() }})
        and segments.segment = coalesce(components.segment, segments.segment)
),

final as (
    select
        applied.config_from_date,
        applied.config_to_date,
        versions.health_version_id,
        applied.segment,
        applied.component,
        applied.signal,
        applied.weight,
        applied.red_from,
        applied.green_from,
        sum(applied.weight) over (
            partition by applied.config_from_date, applied.segment
        ) as total_weight
    from applied
    inner join versions
        on applied.config_from_date = versions.config_from_date
    where applied.preference = 1
)

select * from final
