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
        {{ joined_text('step', '\n', 'step_number, step') }} as lines
    from {{ ref('int_review_next_steps') }}
    group by customer_id
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
