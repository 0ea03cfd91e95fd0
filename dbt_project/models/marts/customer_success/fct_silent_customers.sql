with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
        and {{ may_be_on_list("'silent_customers'", 'customer', 'customer_id') }}
),

rules as (
    {{ list_rules('silent_customers', ['silent_days']) }}
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
        cast(customers.silent_days as integer) as silent_days,
        customers.last_event_date,
        customers.last_ticket_date,
        customers.latest_score_date as last_answer_date,
        cast(customers.champion_count as bigint) as champion_count,
        case
            when customers.last_event_date is null then 'Never seen in the product; no ticket or '
                || 'survey answer for '
            else 'No event, ticket or survey answer for '
        end || cast(customers.silent_days as {{ dbt.type_string() }}) || ' days' as why_listed
    from customers
    cross join rules
    where customers.silent_days >= rules.silent_days
)

select * from final
