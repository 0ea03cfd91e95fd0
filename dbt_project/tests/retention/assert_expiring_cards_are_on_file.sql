-- Parts never exceed their whole.
select *
from {{ ref('fct_expiring_cards_by_month') }}
where cards_expiring > cards_on_file
    or customers_affected > customers_with_cards
    or customers_affected > cards_expiring
    or customers_renewed > customers_affected
    or mrr_on_expiring_cards > mrr_on_cards
    or mrr_renewed > mrr_on_expiring_cards
