-- From when to when a landed rate counts: until the next one, at most `fx_max_age_days` on.
with rates as (
    select * from {{ ref('stg_finance__fx_rates') }}
    where currency <> '{{ var("reporting_currency") }}'
),

final as (
    select
        currency,
        rate,
        rate_date,
        rate_date = min(rate_date) over (partition by currency) as is_first,
        rate_date as from_date,
        least(
            coalesce(
                lead(rate_date) over (partition by currency order by rate_date),
                {{ end_of_time() }}
            ),
            {{ add_days('rate_date', var('fx_max_age_days') + 1) }}
        ) as to_date
    from rates
)

select * from final
