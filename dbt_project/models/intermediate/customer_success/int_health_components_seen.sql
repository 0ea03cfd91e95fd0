-- The points of the known components of an account in service on the days that are looked at. One
-- row per account, day and component. `cost` is what the component takes off the score, in points.
with bands as (
    select * from {{ ref('int_health_component_bands') }}
),

dates as (
    select * from {{ ref('int_signal_dates') }}
),

service as (
    select * from {{ ref('int_account_service') }}
),

on_days as (
    {{ intervals_on_days('bands', 'dates') }}
),

seen as (
    select
        account_id,
        seen_date,
        component,
        max(weight) as weight,
        sum(case band when 'red' then -50 else 50 end) as points
    from on_days
    group by
        account_id,
        seen_date,
        component
),

final as (
    select
        seen.account_id,
        seen.seen_date,
        seen.component,
        seen.weight,
        cast(seen.points as integer) as points,
        {{ ratio(
            'seen.weight * (100 - seen.points)',
            'sum(seen.weight) over (partition by seen.account_id, seen.seen_date)'
        ) }} as cost
    from seen
    inner join service
        on seen.account_id = service.account_id
        and seen.seen_date >= service.from_date
        and seen.seen_date < service.to_date
)

select * from final
