-- Margin of a cohort by age: all of it, and by the channel of its customers. One row per policy,
-- cohort, channel and month since; blended rows are all channels together.
with margins as (
    select * from {{ ref('int_unit_margins') }}
),

segments as (
    select * from {{ ref('int_unit_segments') }}
),

lifecycles as (
    select * from {{ ref('int_customer_lifecycles') }}
    where cohort_month is not null
),

months as (
    select * from {{ ref('int_months') }}
),

cohorts as (
    select
        lifecycles.policy_id,
        lifecycles.cohort_month,
        grouping(segments.channel) = 1 as is_blended,
        coalesce(segments.channel, 'all') as channel,
        count(*) as customers_initial
    from lifecycles
    inner join segments
        on lifecycles.policy_id = segments.policy_id
        and lifecycles.unit_id = segments.unit_id
    group by grouping sets (
        (lifecycles.policy_id, lifecycles.cohort_month),
        (lifecycles.policy_id, lifecycles.cohort_month, segments.channel)
    )
),

earned as (
    select
        margins.policy_id,
        margins.cohort_month,
        margins.month,
        grouping(segments.channel) = 1 as is_blended,
        coalesce(segments.channel, 'all') as channel,
        count(*) as customers_active,
        sum(margins.margin) as margin
    from margins
    inner join segments
        on margins.policy_id = segments.policy_id
        and margins.unit_id = segments.unit_id
    group by grouping sets (
        (margins.policy_id, margins.cohort_month, margins.month),
        (margins.policy_id, margins.cohort_month, margins.month, segments.channel)
    )
),

-- A cohort of which nobody is left stays, with what it brought.
ages as (
    select
        cohorts.policy_id,
        cohorts.cohort_month,
        cohorts.is_blended,
        cohorts.channel,
        cohorts.customers_initial,
        months.month,
        months.is_complete,
        {{ months_between_firsts('cohorts.cohort_month', 'months.month') }} as months_since,
        coalesce(earned.customers_active, 0) as customers_active,
        coalesce(earned.margin, 0) as margin
    from cohorts
    inner join months
        on cohorts.cohort_month <= months.month
    left join earned
        on cohorts.policy_id = earned.policy_id
        and cohorts.cohort_month = earned.cohort_month
        and cohorts.is_blended = earned.is_blended
        and cohorts.channel = earned.channel
        and months.month = earned.month
),

summed as (
    select
        *,
        sum(margin) over (
            partition by policy_id, cohort_month, is_blended, channel
            order by months_since
        ) as cumulative_margin
    from ages
),

final as (
    select
        policy_id,
        cohort_month,
        is_blended,
        channel,
        cast(months_since as integer) as months_since,
        month,
        cast(customers_initial as bigint) as customers_initial,
        cast(customers_active as bigint) as customers_active,
        cast(margin as decimal(18, 2)) as margin,
        cast(cumulative_margin as decimal(18, 2)) as cumulative_margin,
        cast({{ signed_money_ratio('cumulative_margin', 'customers_initial') }} as decimal(18, 2))
            as cumulative_margin_per_customer,
        is_complete
    from summed
)

select * from final
