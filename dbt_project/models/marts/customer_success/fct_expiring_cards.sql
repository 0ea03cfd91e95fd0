with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
        and {{ may_be_on_list("'expiring_cards'", 'customer', 'customer_id') }}
),

rules as (
    {{ list_rules('expiring_cards', ['days_ahead']) }}
),

-- A card pays to the last day of its month.
cards as (
    select
        customer_id,
        payment_method_id,
        card_brand,
        is_default,
        last_day(make_date(card_exp_year, card_exp_month, 1)) as expires_date
    from {{ ref('stg_billing__payment_methods') }}
    where is_current
        and card_exp_month between 1 and 12
        and card_exp_year between 1970 and 9998
        and {{ local_date('created_at') }} <= {{ as_of_date() }}
        and (detached_at is null or {{ local_date('detached_at') }} > {{ as_of_date() }})
),

-- It pays by its default card, without one by the card that lasts longest.
ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                case when is_default then 0 else 1 end, expires_date desc, payment_method_id
        ) as preference,
        max(expires_date) over (partition by customer_id) as longest_expires_date
    from cards
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.current_mrr,
        ranked.payment_method_id,
        ranked.card_brand,
        ranked.expires_date,
        cast({{ days_between(as_of_date(), 'ranked.expires_date') }} as integer)
            as expires_in_days,
        ranked.expires_date < {{ as_of_date() }} as is_expired,
        ranked.longest_expires_date > ranked.expires_date
        and ranked.longest_expires_date >= {{ as_of_date() }} as has_other_card,
        case when ranked.expires_date < {{ as_of_date() }} then 'The card that pays expired on '
            else 'The card that pays expires on ' end
        || cast(ranked.expires_date as {{ dbt.type_string() }})
        || case
            when ranked.longest_expires_date > ranked.expires_date
                and ranked.longest_expires_date >= {{ as_of_date() }}
                then '; another one on file lasts longer'
            else ''
        end as why_listed
    from customers
    inner join ranked
        on customers.customer_id = ranked.customer_id
        and ranked.preference = 1
    cross join rules
    where ranked.expires_date <= {{ add_days(as_of_date(), 'rules.days_ahead') }}
)

select * from final
