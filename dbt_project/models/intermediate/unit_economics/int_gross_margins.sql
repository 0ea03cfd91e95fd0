-- Gross margin of every month (docs/unit_economics_rules.md 4). One row per policy and month.
with policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

months as (
    select * from {{ ref('int_months') }}
),

unit_months as (
    select * from {{ ref('int_unit_months') }}
),

costs as (
    select
        month,
        sum(amount) as cost_of_revenue
    from {{ ref('int_costs_of_revenue_converted') }}
    group by month
),

revenues as (
    select
        policy_id,
        month,
        sum(closing_mrr) as mrr
    from unit_months
    group by
        policy_id,
        month
),

landed as (
    select
        policies.policy_id,
        months.month,
        months.is_complete,
        coalesce(revenues.mrr, 0) as mrr,
        case when months.is_complete then costs.cost_of_revenue end as cost_of_revenue
    from policies
    cross join months
    left join revenues
        on policies.policy_id = revenues.policy_id
        and months.month = revenues.month
    left join costs
        on months.month = costs.month
),

rated as (
    select
        *,
        case
            when cost_of_revenue is not null
                then {{ ratio('(mrr - cost_of_revenue)', 'mrr') }}
        end as landed_margin
    from landed
),

-- The running month's cost is not all booked: the month before speaks for it.
with_previous as (
    select
        *,
        lag(landed_margin) over (partition by policy_id order by month) as previous_margin
    from rated
),

final as (
    select
        policy_id,
        month,
        mrr,
        cost_of_revenue,
        case
            when cost_of_revenue is not null then landed_margin
            when not is_complete and previous_margin is not null then previous_margin
            else cast({{ var('default_gross_margin') }} as decimal(18, 6))
        end as gross_margin,
        case
            when cost_of_revenue is not null then 'landed'
            when not is_complete and previous_margin is not null then 'month_before'
            else 'default'
        end as margin_source,
        is_complete
    from with_previous
)

select * from final
