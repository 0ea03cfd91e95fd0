-- A category in no loading or without a purpose would leave its spend out.
with spend as (
    select category from {{ ref('int_spend_converted') }}
    group by category
)

select spend.category
from spend
left join {{ ref('cac_loadings') }} as loadings
    on spend.category = loadings.category
    and loadings.loading_no = (select max(loading_no) from {{ ref('cac_loadings') }})
left join {{ ref('spend_purposes') }} as purposes
    on spend.category = purposes.category
where loadings.category is null
    or purposes.category is null
