-- Without a rule every customer would be unknown; with two, some would count twice.
select count(*) as used_rules
from {{ ref('attribution_rules') }}
where is_used
having count(*) <> 1
