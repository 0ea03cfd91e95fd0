-- When a discount is in force and at which percent or amount (docs/mrr_rules.md 4). The end of a
-- `once` discount hangs on the item's price; it is left open here (window_to_date null).
with versions as (
    select
        *,
        row_number() over (partition by discount_id order by valid_from_date) = 1 as is_first
    from {{ ref('stg_billing__discounts') }}
    where valid_from_date < valid_to_date
),

current_discounts as (
    select
        discount_id,
        customer_id,
        subscription_id,
        duration,
        start_at,
        {{ local_date('start_at') }} as start_date,
        case duration
            when 'forever' then coalesce({{ local_date('end_at') }}, {{ end_of_time() }})
            when 'repeating' then least(
                coalesce(
                    {{ add_months(local_date('start_at'), 'duration_in_months') }},
                    {{ end_of_time() }}
                ),
                coalesce({{ local_date('end_at') }}, {{ end_of_time() }})
            )
        end as window_to_date
    from versions
    where valid_to_date = {{ end_of_time() }}
        and start_at is not null
),

final as (
    select
        current_discounts.discount_id,
        current_discounts.customer_id,
        current_discounts.subscription_id,
        current_discounts.duration,
        current_discounts.start_at,
        current_discounts.start_date,
        current_discounts.window_to_date,
        versions.currency,
        versions.percent_off,
        case when versions.percent_off is null then versions.amount_off_minor end
            as amount_off_minor,
        greatest(
            current_discounts.start_date,
            case when versions.is_first
                then {{ start_of_time() }} else versions.valid_from_date
            end
        ) as from_date,
        versions.valid_to_date as to_date
    from current_discounts
    inner join versions
        on current_discounts.discount_id = versions.discount_id
    where current_discounts.start_date <= {{ as_of_date() }}
        and current_discounts.start_date < versions.valid_to_date
)

select * from final
