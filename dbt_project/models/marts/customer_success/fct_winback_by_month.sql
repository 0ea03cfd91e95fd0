with churns as (
    select * from {{ ref('int_churns_returned') }}
),

months as (
    select * from {{ ref('int_months') }}
),

rules as (
    {{ list_rules('winback', ['return_days']) }}
),

-- Of those who left in a month: who is back.
left_in_month as (
    select
        {{ first_of_month('churns.churn_date') }} as month,
        count(*) as churns,
        sum(case when churns.returned_date is not null then 1 else 0 end) as returned,
        sum(case when churns.days_away <= rules.return_days then 1 else 0 end)
            as returned_in_time,
        sum(churns.mrr_lost) as mrr_lost,
        sum(churns.mrr_recovered) as mrr_recovered,
        median(churns.days_away) as median_days_away
    from churns
    cross join rules
    group by {{ first_of_month('churns.churn_date') }}
),

-- What came back in a month, whenever it had left.
back_in_month as (
    select
        {{ first_of_month('returned_date') }} as month,
        count(*) as returns,
        sum(mrr_recovered) as mrr_regained
    from churns
    where returned_date is not null
    group by {{ first_of_month('returned_date') }}
),

final as (
    select
        '{{ var("official_policy") }}' as policy_id,
        months.month,
        cast(coalesce(left_in_month.churns, 0) as bigint) as churns,
        cast(coalesce(left_in_month.returned, 0) as bigint) as returned,
        cast(coalesce(left_in_month.returned_in_time, 0) as bigint) as returned_in_time,
        {{ ratio('left_in_month.returned_in_time', 'left_in_month.churns') }} as return_rate,
        {{ wilson('left_in_month.returned_in_time', 'left_in_month.churns', 'low') }}
            as return_rate_low,
        {{ wilson('left_in_month.returned_in_time', 'left_in_month.churns', 'high') }}
            as return_rate_high,
        cast(coalesce(left_in_month.mrr_lost, 0) as decimal(18, 2)) as mrr_lost,
        cast(coalesce(left_in_month.mrr_recovered, 0) as decimal(18, 2)) as mrr_recovered,
        cast(left_in_month.median_days_away as decimal(18, 1)) as median_days_away,
        cast(coalesce(back_in_month.returns, 0) as bigint) as returns_in_month,
        cast(coalesce(back_in_month.mrr_regained, 0) as decimal(18, 2))
            as mrr_regained_in_month,
        coalesce(left_in_month.churns, 0) < {{ small_sample_size() }} as is_small_sample,
        months.is_complete,
        {{ add_days('last_day(months.month)', 'rules.return_days') }} <= {{ as_of_date() }}
            as is_mature
    from months
    cross join rules
    left join left_in_month
        on months.month = left_in_month.month
    left join back_in_month
        on months.month = back_in_month.month
)

select * from final
