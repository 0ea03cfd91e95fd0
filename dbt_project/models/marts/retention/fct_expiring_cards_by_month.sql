with card_months as (
    select * from {{ ref('int_card_months') }}
),

unit_customers as (
    select * from {{ ref('int_unit_customers') }}
),

stretches as (
    select * from {{ ref('int_unit_stretches') }}
),

-- A unit that pays on the day it is looked at, with the cards of its customers.
unit_cards as (
    select
        stretches.policy_id,
        stretches.unit_id,
        stretches.mrr,
        card_months.month,
        sum(card_months.cards_on_file) as cards_on_file,
        sum(card_months.cards_expiring) as cards_expiring,
        bool_or(card_months.pays_by_expiring_card) as pays_by_expiring_card,
        bool_and(card_months.is_renewed or not card_months.pays_by_expiring_card) as is_renewed,
        bool_and(card_months.is_ahead) as is_ahead
    from card_months
    inner join unit_customers
        on card_months.customer_id = unit_customers.customer_id
    inner join stretches
        on unit_customers.policy_id = stretches.policy_id
        and unit_customers.unit_id = stretches.unit_id
        and card_months.seen_date >= stretches.from_date
        and card_months.seen_date < stretches.to_date
    group by
        stretches.policy_id,
        stretches.unit_id,
        stretches.mrr,
        card_months.month
),

sums as (
    select
        policy_id,
        month,
        sum(cards_on_file) as cards_on_file,
        sum(cards_expiring) as cards_expiring,
        count(*) as customers_with_cards,
        sum(mrr) as mrr_on_cards,
        sum(case when pays_by_expiring_card then 1 else 0 end) as customers_affected,
        sum(case when pays_by_expiring_card then mrr else 0 end) as mrr_on_expiring_cards,
        sum(case when pays_by_expiring_card and is_renewed then 1 else 0 end)
            as customers_renewed,
        sum(case when pays_by_expiring_card and is_renewed then mrr else 0 end) as mrr_renewed,
        bool_and(is_ahead) as is_ahead
    from unit_cards
    group by
        policy_id,
        month
),

final as (
    select
        policy_id,
        month,
        is_ahead,
        cast(cards_on_file as bigint) as cards_on_file,
        cast(cards_expiring as bigint) as cards_expiring,
        {{ ratio('cards_expiring', 'cards_on_file') }} as expiring_rate,
        {{ wilson('cards_expiring', 'cards_on_file', 'low') }} as expiring_rate_low,
        {{ wilson('cards_expiring', 'cards_on_file', 'high') }} as expiring_rate_high,
        cast(customers_with_cards as bigint) as customers_with_cards,
        cast(customers_affected as bigint) as customers_affected,
        cast(mrr_on_cards as decimal(18, 2)) as mrr_on_cards,
        cast(mrr_on_expiring_cards as decimal(18, 2)) as mrr_on_expiring_cards,
        cast(case when not is_ahead then customers_renewed end as bigint) as customers_renewed,
        cast(case when not is_ahead then mrr_renewed end as decimal(18, 2)) as mrr_renewed,
        case when not is_ahead then {{ ratio('customers_renewed', 'customers_affected') }} end
            as renewal_rate,
        customers_with_cards < {{ small_sample_size() }} as is_small_sample,
        not is_ahead and last_day(month) <= {{ as_of_date() }} as is_complete
    from sums
)

select * from final
