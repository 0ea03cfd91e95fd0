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

on_days as (
    {{ intervals_on_days('intervals', 'dates') }}
),

seen as (
    select
        on_days.account_id,
        accounts.customer_id,
        on_days.seen_date,
        dates.is_latest,
        on_days.signal,
        {{ value_on('on_days.seen_date', 'on_days') }} as value,
        on_days.from_date,
        {{ filled_evidence('signals.evidence', 'on_days.seen_date', 'on_days') }} as evidence,
        signals.unit
    from on_days
    inner join dates
        on on_days.seen_date = dates.seen_date
    inner join signals
        on on_days.signal = signals.signal
    inner join accounts
        on on_days.account_id = accounts.account_id
    left join service
        on on_days.account_id = service.account_id
        and dates.seen_date >= service.from_date
        and dates.seen_date < service.to_date
    where dates.is_latest
        or service.account_id is not null
),

final as (
    select
        account_id,
        customer_id,
        seen_date,
        is_latest,
        signal,
        value,
        unit,
        from_date as since_date,
        case
            when unit = 'flag' and value = 0 then 'No'
            else evidence
        end as evidence
    from seen
)

select * from final
