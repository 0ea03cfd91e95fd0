-- The day from which an account's use of the product is watched: its first day, but not before the
-- company's events begin. Nobody is watched where no event has landed. One row per account.
with accounts as (
    select * from {{ ref('int_accounts') }}
),

use_days as (
    select
        account_id,
        min(activity_date) as first_use_date
    from {{ ref('int_account_days') }}
    where use_count > 0
    group by account_id
),

company as (
    select min(first_use_date) as tracked_from_date
    from use_days
),

final as (
    select
        accounts.account_id,
        greatest(
            least(
                coalesce(accounts.start_date, use_days.first_use_date),
                coalesce(use_days.first_use_date, accounts.start_date)
            ),
            company.tracked_from_date
        ) as watch_date
    from accounts
    cross join company
    left join use_days
        on accounts.account_id = use_days.account_id
    where company.tracked_from_date is not null
        and coalesce(accounts.start_date, use_days.first_use_date) is not null
)

select * from final
