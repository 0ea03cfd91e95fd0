-- Signal of an account that is back: the days it had been away, for 28 days from its return. Away
-- is no use of the product for 45 days, or no MRR. One row per account and interval.
with use_days as (
    select
        account_id,
        activity_date as seen_date,
        lag(activity_date) over (partition by account_id order by activity_date) as previous_date
    from {{ ref('int_account_days') }}
    where use_count > 0
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

mrr_intervals as (
    select
        *,
        lag(mrr) over (partition by customer_id order by from_date) as previous_mrr,
        lag(from_date) over (partition by customer_id order by from_date) as previous_from_date,
        row_number() over (partition by customer_id order by from_date) as interval_number
    from {{ ref('int_customer_mrr_intervals') }}
),

returns as (
    select
        account_id,
        seen_date as from_date,
        {{ days_between('previous_date', 'seen_date') }} as days_away
    from use_days
    where {{ days_between('previous_date', 'seen_date') }} >= 45
    union all
    select
        accounts.account_id,
        mrr_intervals.from_date,
        {{ days_between('mrr_intervals.previous_from_date', 'mrr_intervals.from_date') }}
    from mrr_intervals
    inner join accounts
        on mrr_intervals.customer_id = accounts.customer_id
    where mrr_intervals.mrr > 0
        and mrr_intervals.previous_mrr = 0
        and mrr_intervals.interval_number > 2
),

return_days as (
    select
        account_id,
        from_date,
        max(days_away) as days_away
    from returns
    group by
        account_id,
        from_date
),

intervals as (
    select
        *,
        least(
            coalesce(
                lead(from_date) over (partition by account_id order by from_date),
                {{ end_of_time() }}
            ),
            {{ add_days('from_date', 28) }}
        ) as to_date
    from return_days
),

final as (
    select account_id, {{ signal_columns('returned_after_pause', 'days_away') }}
    from intervals
)

select * from final
