-- The card that a customer pays by: the default one, else the one that is valid longest. One row
-- per customer and stretch [from_date, to_date) of one card.
with cards as (
    select
        payment_method_id,
        customer_id,
        last_day(expiry_month) as expiry_date,
        is_default,
        from_date,
        to_date
    from {{ ref('int_cards') }}
),

boundaries as (
    select customer_id, from_date as boundary_date
    from cards
    union
    select customer_id, to_date
    from cards
),

stretches as (
    select
        customer_id,
        boundary_date as from_date,
        lead(boundary_date) over (partition by customer_id order by boundary_date) as to_date
    from boundaries
),

ranked as (
    select
        stretches.customer_id,
        stretches.from_date,
        stretches.to_date,
        cards.payment_method_id,
        cards.expiry_date,
        row_number() over (
            partition by stretches.customer_id, stretches.from_date
            order by cards.is_default desc, cards.expiry_date desc, cards.payment_method_id
        ) as preference
    from stretches
    inner join cards
        on stretches.customer_id = cards.customer_id
        and stretches.from_date >= cards.from_date
        and stretches.from_date < cards.to_date
    where stretches.to_date is not null
),

final as (
    select
        customer_id,
        from_date,
        to_date,
        payment_method_id,
        expiry_date
    from ranked
    where preference = 1
)

select * from final
