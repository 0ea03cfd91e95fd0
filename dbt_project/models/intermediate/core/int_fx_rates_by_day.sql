-- The rate that counts on each day, so that a day's value is found without comparing intervals.
-- One row per currency and day that has one.
with intervals as (
    select * from {{ ref('int_fx_rate_intervals') }}
),

-- A rate counts for at most this many days.
ages as (
    {%- for age in range(var('fx_max_age_days') + 1) %}
    select {{ age }} as age_days {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        intervals.currency,
        {{ add_days('intervals.from_date', 'ages.age_days') }} as valuation_date,
        intervals.rate
    from intervals
    cross join ages
    where {{ add_days('intervals.from_date', 'ages.age_days') }} < intervals.to_date
)

select * from final
