-- The cards of a customer at the start of a month, which of them expire in it, and whether there
-- is another one at its end. One row per customer and month with a card that is valid at the
-- start; the next twelve months are seen from the as-of date (docs/retention_rules.md 8).
with months as (
    select
        month,
        month_end_date
    from {{ ref('int_months') }}
),

months_ahead as (
    select month from {{ ref('int_months_ahead') }}
    where exists (select 1 from months)
),

looked_at as (
    select
        month,
        {{ add_days('month', -1) }} as seen_date,
        month_end_date as closed_date
    from months
    union all
    select
        month,
        {{ as_of_date() }},
        cast(null as date)
    from months_ahead
),

cards as (
    select * from {{ ref('int_cards') }}
),

at_start as (
    select
        looked_at.month,
        looked_at.seen_date,
        looked_at.closed_date,
        cards.customer_id,
        count(*) as cards_on_file,
        sum(case when cards.expiry_month = looked_at.month then 1 else 0 end) as cards_expiring,
        max(case when cards.is_default then 1 else 0 end) as has_default,
        max(case when cards.is_default and cards.expiry_month = looked_at.month then 1 else 0 end)
            as default_expires
    from looked_at
    inner join cards
        on looked_at.seen_date >= cards.from_date
        and looked_at.seen_date < cards.to_date
        and looked_at.month <= cards.expiry_month
    group by
        looked_at.month,
        looked_at.seen_date,
        looked_at.closed_date,
        cards.customer_id
),

renewed as (
    select
        looked_at.month,
        cards.customer_id
    from looked_at
    inner join cards
        on looked_at.closed_date >= cards.from_date
        and looked_at.closed_date < cards.to_date
        and looked_at.month < cards.expiry_month
    group by
        looked_at.month,
        cards.customer_id
),

final as (
    select
        at_start.customer_id,
        at_start.month,
        at_start.seen_date,
        at_start.cards_on_file,
        at_start.cards_expiring,
        -- It pays by its default card; without one by any of them, so all must expire.
        case
            when at_start.has_default = 1 then at_start.default_expires = 1
            else at_start.cards_expiring = at_start.cards_on_file
        end as pays_by_expiring_card,
        renewed.customer_id is not null as is_renewed,
        at_start.closed_date is null as is_ahead
    from at_start
    left join renewed
        on at_start.month = renewed.month
        and at_start.customer_id = renewed.customer_id
)

select * from final
