-- The tiers of a type cover every value from the lowest one on once: no gap, no overlap.
select
    tier_type,
    tier,
    from_value,
    to_value
from (
    select
        *,
        lead(from_value) over (partition by tier_type order by from_value) as next_value,
        lead(tier) over (partition by tier_type order by from_value) as next_tier
    from {{ ref('loyalty_tiers') }}
) as ordered
where (next_tier is not null and (to_value is null or to_value <> next_value))
    or (next_tier is null and to_value is not null)
