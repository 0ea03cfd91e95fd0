-- The months that unit economics speaks of: those of MRR, and those in which spend counts, which
-- may begin before the first customer. One row per month.
with months as (
    select * from {{ ref('int_months') }}
),

spend as (
    select * from {{ ref('int_spend_converted') }}
),

every_month as (
    select month from months
    union
    select {{ add_months('spend_month', var('cac_lag_months')) }} as month from spend
    where {{ add_months('spend_month', var('cac_lag_months')) }} <= {{ as_of_date() }}
),

final as (
    select
        month,
        last_day(month) <= {{ as_of_date() }} as is_complete
    from every_month
)

select * from final
