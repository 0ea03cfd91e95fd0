-- The sections of a quarterly review on money: MRR and how it came about, and the renewal. One row
-- per customer and section.
with customers as (
    select * from {{ ref('int_customers_reviewed') }}
),

-- Month by month, months without MRR too: a gap in a printed list is read over.
month_rows as (
    select
        levels.customer_id,
        months.month,
        levels.mrr as closing_mrr
    from {{ ref('int_months') }} as months
    inner join {{ ref('int_customer_mrr_intervals') }} as levels
        on months.month_end_date >= levels.from_date
        and months.month_end_date < levels.to_date
    where months.month > {{ add_months(first_of_month(as_of_date()), -12) }}
),

movements as (
    select
        units.customer_id,
        movements.movement_type,
        movements.movement_date,
        movements.mrr_change
    from {{ ref('int_mrr_movements_typed') }} as movements
    inner join {{ ref('int_unit_customers') }} as units
        on movements.policy_id = units.policy_id
        and movements.unit_id = units.unit_id
    where movements.policy_id = '{{ var("official_policy") }}'
),

subscriptions as (
    select
        customer_id,
        {{ local_date('current_period_ended_at') }} as renewal_date,
        is_cancel_at_period_end or cancel_at is not null as is_cancel_scheduled
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
        and status in ('active', 'past_due', 'trialing')
        and {{ local_date('current_period_ended_at') }} > {{ as_of_date() }}
),

month_lines as (
    select
        customer_id,
        {{ joined_text(
            'substr(' ~ as_text('month') ~ ", 1, 7) || ': ' || " ~ money_text('closing_mrr'),
            '\n', 'month'
        ) }} as lines
    from month_rows
    group by customer_id
),

moved as (
    select
        customers.customer_id,
        {%- for type in ['expansion', 'contraction', 'fx'] %}
        sum(case when movements.movement_type = '{{ type }}' then movements.mrr_change else 0 end)
            as {{ type }}_mrr{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    inner join movements
        on customers.customer_id = movements.customer_id
        and movements.movement_date >= customers.from_date
    group by customers.customer_id
),

renewals as (
    select
        customer_id,
        min(renewal_date) as renewal_date,
        max(case when is_cancel_scheduled then 1 else 0 end) = 1 as is_cancel_scheduled,
        {{ joined_text(
            "'Period ends: ' || " ~ as_text('renewal_date')
            ~ " || case when is_cancel_scheduled then ' (cancellation scheduled)' else '' end",
            '\n', 'renewal_date'
        ) }} as lines
    from subscriptions
    group by customer_id
),

final as (
    select
        customers.customer_id,
        'mrr_history' as section,
        'MRR ' || {{ money_text('customers.current_mrr') }} || case
            when customers.mrr_growth is null then '; it did not pay twelve months ago'
            else '; ' || {{ percent_change_text('customers.mrr_growth') }}
                || ' against twelve months ago'
        end as headline,
        'In the last ' || {{ as_text('customers.days') }} || ' days: expansion '
        || {{ money_text('coalesce(moved.expansion_mrr, 0)') }} || ', contraction '
        || {{ money_text('coalesce(moved.contraction_mrr, 0)') }}
        || case when moved.fx_mrr <> 0 then ', exchange rates ' || {{ money_text('moved.fx_mrr') }}
            else '' end
        || coalesce({{ line_end() }} || month_lines.lines, '') as body
    from customers
    left join moved
        on customers.customer_id = moved.customer_id
    left join month_lines
        on customers.customer_id = month_lines.customer_id
    union all
    select
        customers.customer_id,
        'renewal',
        case
            when renewals.renewal_date is null then 'No renewal date is known'
            when renewals.is_cancel_scheduled
                then 'A cancellation is scheduled; the period ends on '
                    || {{ as_text('renewals.renewal_date') }}
            else 'Renews on ' || {{ as_text('renewals.renewal_date') }} || ', in '
                || {{ as_text(days_between(as_of_date(), 'renewals.renewal_date')) }} || ' days'
        end,
        'Customer since: ' || {{ as_text('customers.first_paid_date') }}
        || coalesce({{ line_end() }} || renewals.lines, '')
    from customers
    left join renewals
        on customers.customer_id = renewals.customer_id
)

select * from final
