-- The newly arrived rows that bear on a closed month (docs/closing_rules.md 3). One row per
-- close, policy and customer.
with closes as (
    select
        close_id,
        last_day(month) as month_end_date
    from {{ ref('stg_control__closes') }}
    where is_in_force
        and not is_requested
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

arrived as (
    select * from {{ ref('int_arrived_rows_by_customer') }}
),

judged as (
    select
        closes.close_id,
        policies.policy_id,
        arrived.customer_id,
        arrived.source_id,
        case
            -- Its own date lies in or before the month: it came late, or another told it wrongly.
            when arrived.version_date <= closes.month_end_date
                and arrived.is_known_version then 'corrected_row'
            when arrived.version_date <= closes.month_end_date then 'late_row'
            -- Later rows bear on the month only if they reach back.
            when not arrived.is_known_object
                and arrived.speaks_from_date <= closes.month_end_date then 'late_row'
            when arrived.rewrites_the_past then 'corrected_row'
        end as cause
    from closes
    cross join arrived
    -- Whether and when an invoice was paid moves MRR under few policies.
    inner join policies
        on not arrived.is_about_payment
        or policies.churn_at = 'paid_period_end'
        or policies.refunds = 'reduce'
),

final as (
    select
        close_id,
        policy_id,
        customer_id,
        max(case when cause = 'late_row' then 1 else 0 end) = 1 as has_late_row,
        {{ sorted_list('source_id') }} as source_ids
    from judged
    where cause is not null
    group by
        close_id,
        policy_id,
        customer_id
)

select * from final
