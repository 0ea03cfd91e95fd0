-- More discounts on one subscription and day than var max_stacked_discounts: raise the variable.
select *
from {{ ref('int_item_discounts_applied') }}
where last_step_number > {{ var('max_stacked_discounts') }}
