-- Each loading includes the ones before: what a category's credits leave of it may be less, but
-- a wider loading never lacks spend where a narrower one has it, and has the same customers.
with loadings as (
    select
        *,
        lag(spend) over ladder as narrower_spend,
        lag(customers_won) over ladder as narrower_customers_won
    from {{ ref('fct_cac_by_channel_month') }}
    window ladder as (
        partition by policy_id, month, is_blended, channel order by loading_no
    )
)

select *
from loadings
where (narrower_spend is not null and spend is null)
    or narrower_customers_won <> customers_won
