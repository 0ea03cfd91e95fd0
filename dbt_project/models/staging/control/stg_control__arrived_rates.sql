-- Exchange rates that the last release did not know. One row per currency and day.
with run as (
    select
        coalesce(
            previous_published_at, cast('0001-01-01 00:00:00' as timestamp)
        ) as previous_published_at,
        coalesce(previous_as_of, {{ start_of_time() }}) as previous_as_of
    from {{ source('control', 'run') }}
),

rates as (
    select
        upper(currency) as currency,
        rate_date,
        rate,
        _loaded_at as loaded_at
    from {{ source('finance', 'fx_rates') }}
    where {{ was_known() }}
        and rate_date <= {{ as_of_date() }}
),

-- A rate that landed once more says nothing new.
known as (
    select
        rates.currency,
        rates.rate_date,
        rates.rate,
        min(
            case
                when rates.loaded_at > run.previous_published_at
                    or rates.rate_date > run.previous_as_of then 1
                else 0
            end
        ) as is_new
    from rates
    cross join run
    group by
        rates.currency,
        rates.rate_date,
        rates.rate
),

final as (
    select
        currency,
        rate_date
    from known
    where is_new = 1
    group by
        currency,
        rate_date
)

select * from final
