-- The sections of a quarterly review on what the customer said and was part of: tickets, survey
-- answers, experiments. One row per customer and section.
with customers as (
    select * from {{ ref('int_customers_reviewed') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

tickets as (
    select
        accounts.customer_id,
        tickets.ticket_id,
        tickets.csat,
        {{ local_date('tickets.opened_at') }} as opened_date,
        case when {{ local_date('tickets.resolved_at') }} <= {{ as_of_date() }}
            then {{ local_date('tickets.resolved_at') }} end as resolved_date,
        {{ seconds_between('tickets.opened_at', 'tickets.resolved_at') }} as seconds_to_resolve
    from {{ ref('stg_support__tickets') }} as tickets
    inner join accounts
        on tickets.account_id = accounts.account_id
    where tickets.is_current
        and {{ local_date('tickets.opened_at') }} <= {{ as_of_date() }}
),

ticket_sums as (
    select
        customers.customer_id,
        sum(case when tickets.opened_date >= customers.from_date then 1 else 0 end) as opened,
        sum(case when tickets.resolved_date >= customers.from_date then 1 else 0 end)
            as resolved,
        sum(case when tickets.resolved_date is null then 1 else 0 end) as still_open,
        median(
            case when tickets.resolved_date >= customers.from_date
                then tickets.seconds_to_resolve end
        ) as median_seconds,
        sum(case when tickets.resolved_date >= customers.from_date then tickets.csat end)
            as csat_sum,
        count(case when tickets.resolved_date >= customers.from_date then tickets.csat end)
            as csat_count
    from customers
    inner join tickets
        on customers.customer_id = tickets.customer_id
    group by customers.customer_id
),

answers as (
    select
        accounts.customer_id,
        answers.score,
        answers.responded_date,
        row_number() over (
            partition by accounts.customer_id
            order by answers.responded_at desc, answers.response_id desc
        ) as recency
    from {{ ref('stg_survey__nps_responses') }} as answers
    inner join accounts
        on answers.account_id = accounts.account_id
),

answer_lines as (
    select
        customer_id,
        max(case when recency = 1 then score end) as score,
        max(case when recency = 1 then responded_date end) as responded_date,
        max(case when recency = 2 then score end) as score_before,
        {{ joined_text(
            as_text('responded_date') ~ " || ': ' || " ~ as_text('score'),
            '\n', 'recency'
        ) }} as lines
    from answers
    where recency <= 4
    group by customer_id
),

memberships as (
    select
        members.customer_id,
        count(*) as experiments,
        {{ joined_text(
            "results.experiment_name || ': ' || coalesce(members.variant || ' group', 'in both groups')"
            ~ " || ', ' || replace(results.result, '_', ' ')",
            '\n', 'results.experiment_id'
        ) }} as lines
    from (
        select
            customer_id,
            experiment_id,
            min(variant) as variant
        from {{ ref('int_experiment_members') }}
        group by
            customer_id,
            experiment_id
    ) as members
    inner join {{ ref('int_experiments_judged') }} as results
        on members.experiment_id = results.experiment_id
    group by members.customer_id
),

final as (
    select
        customers.customer_id,
        'tickets' as section,
        {{ as_text('coalesce(ticket_sums.opened, 0)') }} || ' opened, '
        || {{ as_text('coalesce(ticket_sums.resolved, 0)') }} || ' resolved, '
        || {{ as_text('coalesce(ticket_sums.still_open, 0)') }} || ' open now' as headline,
        coalesce(
            'Median hours to resolve: '
            || {{ as_text('cast(' ~ exact_divide(
                'cast(ticket_sums.median_seconds * 10 as bigint)', '36000', 1
            ) ~ ' as decimal(18, 1))') }},
            'Nothing was resolved in the last ' || {{ as_text('customers.days') }} || ' days'
        )
        || case when ticket_sums.csat_count > 0
            then {{ line_end() }} || 'Satisfaction (1 to 5): '
                || {{ as_text('cast(' ~ exact_divide(
                    'ticket_sums.csat_sum', 'ticket_sums.csat_count', 1
                ) ~ ' as decimal(9, 1))') }} || ', ratings: ' || {{ as_text('ticket_sums.csat_count') }}
            else '' end as body
    from customers
    left join ticket_sums
        on customers.customer_id = ticket_sums.customer_id
    union all
    select
        customers.customer_id,
        'nps',
        case
            when answer_lines.score is null then 'Has not answered a survey yet'
            else 'Scored ' || {{ as_text('answer_lines.score') }} || ' on '
                || {{ as_text('answer_lines.responded_date') }}
                || coalesce(
                    ', ' || {{ as_text('answer_lines.score_before') }} || ' the time before', ''
                )
        end,
        coalesce(answer_lines.lines, 'Ask for an answer')
    from customers
    left join answer_lines
        on customers.customer_id = answer_lines.customer_id
    union all
    select
        customers.customer_id,
        'experiments',
        case
            when memberships.experiments is null then 'Was part of no experiment'
            when memberships.experiments = 1 then 'Was part of one experiment'
            else 'Was part of ' || {{ as_text('memberships.experiments') }} || ' experiments'
        end,
        coalesce(memberships.lines, '')
    from customers
    left join memberships
        on customers.customer_id = memberships.customer_id
)

select * from final
