{{ config(materialized='view') }}

-- Signals on the days that are shown: of all accounts on the as-of date, of accounts in service at
-- the ends of the months before. One row per account, day and signal. A view: a mart alone reads
-- it, and millions of rows with their texts need not be written twice.
with intervals as (
    select * from {{ ref('int_signal_intervals') }}
),

dates as (
    select * from {{ ref('int_signal_dates') }}
    where is_latest
        or is_recent_month_end
),

service as (
    select * from {{ ref('int_account_service') }}
),

signals as (
    select * from {{ ref('signals') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

shown as (
    select
        accounts.account_id,
        accounts.customer_id,
        dates.seen_date,
        dates.is_latest
    from accounts
    cross join dates
    left join service
        on accounts.account_id = service.account_id
        and dates.seen_date >= service.from_date
        and dates.seen_date < service.to_date
    where dates.is_latest
        or service.account_id is not null
),

on_days as (
    {{ intervals_on_days(
        'intervals', 'dates', 'shown', columns=['customer_id', 'is_latest']
    ) }}
),

valued as (
    select
        on_days.*,
        {{ value_on('on_days.seen_date', 'on_days') }} as seen_value,
        signals.unit,
        signals.evidence
    from on_days
    inner join signals
        on on_days.signal = signals.signal
),

final as (
    select
        account_id,
        customer_id,
        seen_date,
        is_latest,
        signal,
        seen_value as value,
        unit,
        from_date as since_date,
        -- Filled in here, not before, so that no text is made for a flag that is down.
        case
            when unit = 'flag' and seen_value = 0 then 'No'
            else {{ filled_evidence('evidence', 'seen_date', 'valued') }}
        end as evidence
    from valued
)

select * from final
