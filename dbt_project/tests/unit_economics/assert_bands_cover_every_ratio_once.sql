-- Each bound, and a point between and beyond each two of them, lies in exactly one band.
with bands as (
    select * from {{ ref('ltv_cac_bands') }}
),

bounds as (
    select ratio_from as ratio from bands
    where ratio_from is not null
    union
    select ratio_to as ratio from bands
    where ratio_to is not null
),

points as (
    select ratio from bounds
    union all
    select ratio + cast(0.000001 as decimal(18, 6)) as ratio from bounds
    union all
    select ratio - cast(0.000001 as decimal(18, 6)) as ratio from bounds
)

select
    points.ratio,
    count(bands.band) as bands
from points
left join bands
    on (
        bands.ratio_from is null
        or points.ratio > bands.ratio_from
        or (points.ratio = bands.ratio_from and bands.is_from_included)
    )
    and (
        bands.ratio_to is null
        or points.ratio < bands.ratio_to
        or (points.ratio = bands.ratio_to and bands.is_to_included)
    )
group by points.ratio
having count(bands.band) <> 1
