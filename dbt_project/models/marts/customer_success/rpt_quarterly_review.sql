{%- set sections = [
    ('mrr_history', 'MRR'),
    ('usage', 'Usage'),
    ('value_delivered', 'Value delivered'),
    ('health', 'Health'),
    ('tickets', 'Tickets'),
    ('nps', 'Survey answers'),
    ('experiments', 'Experiments'),
    ('renewal', 'Renewal'),
    ('next_steps', 'Next steps'),
] -%}

with customers as (
    select * from {{ ref('int_customers_reviewed') }}
),

steps as (
    select
        customer_id,
        count(*) as steps,
        {{ joined_text('step', '\n', 'step_number') }} as lines
    from {{ ref('fct_next_steps') }}
    group by customer_id
),

health as (
    select scores.*
    from customers
    inner join {{ ref('fct_health_scores') }} as scores
        on customers.account_id = scores.account_id
        and scores.is_latest
),

written as (
    select customer_id, section, headline, body from {{ ref('int_review_revenue') }}
    union all
    select customer_id, section, headline, body from {{ ref('int_review_usage') }}
    union all
    select customer_id, section, headline, body from {{ ref('int_review_service') }}
    union all
    select
        customers.customer_id,
        'health',
        case
            when health.score is null then 'No health score yet: nothing is known to make it of'
            else 'Health ' || {{ as_text('cast(health.score as decimal(9, 1))') }}
                || ' of 100, ' || health.colour
                || coalesce(
                    case when health.score_change_30d >= 0 then ', +' else ', ' end
                    || {{ as_text('cast(health.score_change_30d as decimal(9, 1))') }}
                    || ' in 30 days', ''
                )
        end,
        coalesce(
            'Share of the weights with data: '
            || {{ as_text('cast(health.coverage as decimal(9, 2))') }}
            {%- for number in [1, 2, 3] %}
            || coalesce(
                chr(10) || replace(health.reason_{{ number }}, '_', ' ') || ': -'
                || {{ as_text('cast(health.reason_' ~ number ~ '_cost as decimal(9, 1))') }}, ''
            )
            {%- endfor %}, ''
        )
    from customers
    left join health
        on customers.customer_id = health.customer_id
    union all
    select
        customers.customer_id,
        'next_steps',
        case
            when steps.steps is null then 'Nothing is open'
            when steps.steps = 1 then 'One step'
            else {{ as_text('steps.steps') }} || ' steps'
        end,
        coalesce(steps.lines, '')
    from customers
    left join steps
        on customers.customer_id = steps.customer_id
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        customers.customer_id,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        customers.current_mrr,
        customers.from_date as period_from_date,
        case written.section
            {%- for section, title in sections %}
            when '{{ section }}' then {{ loop.index }}
            {%- endfor %}
        end as section_number,
        written.section,
        case written.section
            {%- for section, title in sections %}
            when '{{ section }}' then '{{ title }}'
            {%- endfor %}
        end as title,
        written.headline,
        written.body
    from customers
    inner join written
        on customers.customer_id = written.customer_id
)

select * from final
