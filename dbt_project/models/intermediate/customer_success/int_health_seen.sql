-- The health score of accounts in service on the days that are looked at. One row per account and
-- day.
with intervals as (
    select * from {{ ref('int_health_intervals') }}
),

dates as (
    select * from {{ ref('int_signal_dates') }}
),

service as (
    select * from {{ ref('int_account_service') }}
),

colours as (
    select * from {{ ref('health_colours') }}
),

reasons as (
    select
        account_id,
        seen_date,
        component,
        cost,
        row_number() over (
            partition by account_id, seen_date order by cost desc, component
        ) as reason_number
    from {{ ref('int_health_components_seen') }}
    where cost > 0
),

three_reasons as (
    select
        account_id,
        seen_date,
        {%- for number in [1, 2, 3] %}
        max(case when reason_number = {{ number }} then component end) as reason_{{ number }},
        max(case when reason_number = {{ number }} then cost end) as reason_{{ number }}_cost
        {{- ',' if not loop.last }}
        {%- endfor %}
    from reasons
    where reason_number <= 3
    group by
        account_id,
        seen_date
),

seen as (
    select
        intervals.account_id,
        dates.seen_date,
        dates.is_latest,
        dates.is_month_end,
        intervals.score,
        intervals.coverage,
        intervals.health_version_id
    from intervals
    inner join dates
        on intervals.from_date <= dates.seen_date
        and intervals.to_date > dates.seen_date
    inner join service
        on intervals.account_id = service.account_id
        and dates.seen_date >= service.from_date
        and dates.seen_date < service.to_date
    where intervals.score is not null
),

coloured as (
    select
        seen.*,
        colours.colour,
        row_number() over (
            partition by seen.account_id, seen.seen_date order by colours.score_from desc
        ) as nearness
    from seen
    left join colours
        on seen.score >= colours.score_from
        and seen.seen_date >= colours.valid_from
        and seen.seen_date < coalesce(colours.valid_to, {{ end_of_time() }})
),

final as (
    select
        coloured.account_id,
        coloured.seen_date,
        coloured.is_latest,
        coloured.is_month_end,
        coloured.score,
        coloured.coverage,
        coloured.colour,
        coloured.health_version_id,
        three_reasons.reason_1,
        three_reasons.reason_1_cost,
        three_reasons.reason_2,
        three_reasons.reason_2_cost,
        three_reasons.reason_3,
        three_reasons.reason_3_cost
    from coloured
    left join three_reasons
        on coloured.account_id = three_reasons.account_id
        and coloured.seen_date = three_reasons.seen_date
    where coloured.nearness = 1
)

select * from final
