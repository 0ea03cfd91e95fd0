-- A figure that cannot be said is null and has a reason; one that can be said has none.
select
    'cac' as figure,
    policy_id,
    month as period_start,
    channel as member
from {{ ref('fct_cac_by_channel_month') }}
where (cac is null) <> (reason is not null)
union all
select
    'ltv by ' || method as figure,
    policy_id,
    month as period_start,
    segment_type || ' ' || segment_value as member
from {{ ref('fct_ltv_by_segment') }}
where (ltv is null) <> (reason is not null)
union all
select
    'ltv:cac' as figure,
    policy_id,
    period_start,
    channel as member
from {{ ref('fct_ltv_cac_by_channel') }}
where (ltv_cac_ratio is null) <> (reason is not null)
    or (ltv_cac_ratio is null) <> (band is null)
union all
select
    'payback' as figure,
    policy_id,
    period_start,
    channel as member
from {{ ref('fct_ltv_cac_by_channel') }}
where (payback_months is null) <> (payback_reason is not null)
union all
select
    'cohort payback' as figure,
    policy_id,
    cohort_month as period_start,
    channel as member
from {{ ref('fct_cac_payback_by_cohort') }}
where (payback_months is null) <> (reason is not null)
union all
select
    'projected ltv' as figure,
    policy_id,
    cohort_month as period_start,
    cast(months_since as {{ dbt.type_string() }}) as member
from {{ ref('fct_ltv_by_cohort_month') }}
where (projected_ltv is null) <> (reason is not null)
