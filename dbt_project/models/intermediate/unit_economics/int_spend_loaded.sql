-- Spend that counts for a month's customers, at each loading (docs/unit_economics_rules.md 3).
-- One row per month, channel and loading in which such spend was booked; a loading includes the
-- ones before.
with spend as (
    select
        *,
        {{ add_months('spend_month', var('cac_lag_months')) }} as month
    from {{ ref('int_spend_converted') }}
),

loadings as (
    select * from {{ ref('cac_loadings') }}
),

final as (
    select
        spend.month,
        spend.channel,
        loadings.loading,
        loadings.loading_no,
        sum(spend.amount) as spend
    from spend
    inner join loadings
        on spend.category = loadings.category
    where spend.month <= {{ as_of_date() }}
    group by
        spend.month,
        spend.channel,
        loadings.loading,
        loadings.loading_no
)

select * from final
