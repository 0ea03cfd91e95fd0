-- Cards on file over their versions. One row per card and stretch [from_date, to_date); the month
-- of expiry by its first day.
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

final as (
    select
        payment_method_id,
        customer_id,
        make_date(card_exp_year, card_exp_month, 1) as expiry_month,
        is_default,
        from_date,
        to_date
    from versions
    where card_exp_month between 1 and 12
        and card_exp_year between 1970 and 9998
        and from_date < to_date
)

select * from final
