-- A policy that is enabled but in no seed would silently be missing from every mart.
select
    {{ var('enabled_policies') | length }} as enabled_count,
    count(*) as defined_count
from {{ ref('int_metric_policies_enabled') }}
having count(*) <> {{ var('enabled_policies') | length }}
