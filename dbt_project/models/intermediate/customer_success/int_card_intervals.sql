-- The card that a customer pays by: the default one, else the one that is valid longest. One row
-- per customer and stretch [from_date, to_date) of one card.
with versions as (
    select
        payment_method_id,
        customer_id,
        card_exp_year,
        card_exp_month,
        is_default,
        -- The first version of a card also speaks for the time since it was made.
        case
            when lag(valid_from_date) over card_history is null
                then least(valid_from_date, {{ local_date('created_at') }})
            else valid_from_date
        end as from_date,
        least(
            valid_to_date, coalesce({{ local_date('detached_at') }}, {{ end_of_time() }})
        ) as to_date
    from {{ ref('stg_billing__payment_methods') }}
    where valid_from_date < valid_to_date
    window card_history as (partition by payment_method_id order by valid_from_date)
),

cards as (
    select
        payment_method_id,
        customer_id,
        last_day(make_date(card_exp_year, card_exp_month, 1)) as expiry_date,
        is_default,
        from_date,
        to_date
    from versions
    where card_exp_month between 1 and 12
        and card_exp_year between 1970 and 9998
        and from_date < to_date
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
