with computations as (
    select * from {{ ref('int_metric_policy_computations') }}
),

series as (
    select * from {{ ref('int_unit_mrr_series') }}
),

months as (
    select * from {{ ref('int_months') }}
),

subscriptions as (
    select * from {{ ref('int_billed_subscriptions') }}
),

-- The histories that a ladder looks at.
compared_series as (
    select
        series_id,
        grain
    from computations
    where is_ladder_step
        or policy_id = '{{ var("official_policy") }}'
    group by
        series_id,
        grain
),

stretches as (
    select
        series.series_id,
        series.unit_id,
        case when compared_series.grain = 'subscription' then series.unit_id end
            as subscription_id,
        series.mrr_after as closing_mrr,
        series.change_date as from_date,
        coalesce(
            lead(series.change_date) over (
                partition by series.series_id, series.unit_id order by series.change_date
            ),
            {{ end_of_time() }}
        ) as to_date
    from series
    inner join compared_series
        on series.series_id = compared_series.series_id
),

closings as (
    select
        stretches.series_id,
        coalesce(subscriptions.customer_id, stretches.unit_id) as customer_id,
        months.month,
        sum(stretches.closing_mrr) as closing_mrr
    from stretches
    inner join months
        on stretches.from_date <= months.month_end_date
        and stretches.to_date > months.month_end_date
    left join subscriptions
        on stretches.subscription_id = subscriptions.subscription_id
    where stretches.closing_mrr > 0
    group by all
),

starts as (
    select
        series_id,
        from_policy_id
    from computations
    where switch_number = 0
),

steps as (
    select
        computations.policy_id,
        computations.from_policy_id,
        computations.to_policy_id,
        computations.switch,
        row_number() over ladder as step_no,
        computations.series_id,
        coalesce(
            lag(computations.series_id) over ladder,
            starts.series_id,
            official.series_id
        ) as previous_series_id
    from computations
    inner join computations as official
        on computations.from_policy_id = official.policy_id
    left join starts
        on computations.from_policy_id = starts.from_policy_id
    where computations.switch_number > 0
    window ladder as (
        partition by computations.from_policy_id, computations.to_policy_id
        order by computations.switch_number
    )
),

-- Both sides of a step: what the customer is worth after it, and before it.
sides as (
    select
        steps.policy_id as step_id,
        closings.customer_id,
        closings.month,
        closings.closing_mrr
    from steps
    inner join closings
        on steps.series_id = closings.series_id
    union all
    select
        steps.policy_id as step_id,
        closings.customer_id,
        closings.month,
        -closings.closing_mrr
    from steps
    inner join closings
        on steps.previous_series_id = closings.series_id
),

final as (
    select
        sides.month,
        sides.customer_id,
        steps.from_policy_id,
        steps.to_policy_id,
        cast(steps.step_no as integer) as step_no,
        steps.switch,
        cast(sum(sides.closing_mrr) as decimal(18, 2)) as difference
    from sides
    inner join steps
        on sides.step_id = steps.policy_id
    group by all
    having sum(sides.closing_mrr) <> 0
)

select * from final
