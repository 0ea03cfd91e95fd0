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

shown as (
    select
        service.account_id,
        dates.seen_date
    from service
    inner join dates
        on service.from_date <= dates.seen_date
        and service.to_date > dates.seen_date
),

on_days as (
    {{ intervals_on_days('bands', 'dates', 'shown') }}
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
        account_id,
        seen_date,
        component,
        weight,
        cast(points as integer) as points,
        {{ ratio(
            'weight * (100 - points)',
            'sum(weight) over (partition by account_id, seen_date)'
        ) }} as cost
    from seen
)

select * from final
