-- low <= estimate <= high, wherever two of them can be said.
with intervals as (
    select 'cac' as figure, low, cac as estimate, high
    from {{ ref('fct_cac_by_channel_month') }}
    union all
    select 'ltv by ' || method as figure, low, ltv as estimate, high
    from {{ ref('fct_ltv_by_segment') }}
    union all
    select 'projected ltv' as figure, low, projected_ltv as estimate, high
    from {{ ref('fct_ltv_by_cohort_month') }}
    union all
    select 'ltv:cac' as figure, ltv_cac_ratio_low, ltv_cac_ratio as estimate, ltv_cac_ratio_high
    from {{ ref('fct_ltv_cac_by_channel') }}
)

select *
from intervals
where low > estimate
    or estimate > high
    or low > high
