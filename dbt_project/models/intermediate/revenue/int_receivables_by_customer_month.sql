{%- set types = ['billed', 'credited', 'collected', 'refunded', 'conceded', 'written_off'] -%}

-- What customers were billed and paid, and what they owe at the end of the month. One row per
-- customer and month with an entry or with something owed.
with entries as (
    select * from {{ ref('int_receivables_valued') }}
),

months as (
    select * from {{ ref('int_book_months') }}
),

flows as (
    select
        customer_id,
        month,
        {%- for type in types %}
        sum(
            case
                when entry_type = '{{ type }}'
                    then {{ 'amount' if type in ['billed', 'refunded'] else '-amount' }}
                else 0
            end
        ) as {{ type }}{{ ',' if not loop.last }}
        {%- endfor %}
    from entries
    group by
        customer_id,
        month
),

-- What is owed is added up from the invoices that are open at the month's end, not from the flows.
accounts as (
    select
        customer_id,
        coalesce(invoice_id, source_id) as account_id,
        month,
        sum(amount) as amount
    from entries
    group by
        customer_id,
        coalesce(invoice_id, source_id),
        month
),

account_balances as (
    select
        customer_id,
        account_id,
        month as from_month,
        coalesce(
            lead(month) over (partition by customer_id, account_id order by month),
            {{ end_of_time() }}
        ) as to_month,
        sum(amount) over (
            partition by customer_id, account_id
            order by month
            rows between unbounded preceding and current row
        ) as balance
    from accounts
),

outstanding as (
    select
        account_balances.customer_id,
        months.month,
        sum(account_balances.balance) as outstanding
    from account_balances
    inner join months
        on account_balances.from_month <= months.month
        and account_balances.to_month > months.month
    where account_balances.balance <> 0
    group by
        account_balances.customer_id,
        months.month
),

opening as (
    select
        customer_id,
        {{ add_months('month', 1) }} as month,
        outstanding as outstanding_opening
    from outstanding
),

keys as (
    select customer_id, month from flows
    union
    select customer_id, month from outstanding
    union
    select opening.customer_id, opening.month
    from opening
    inner join months
        on opening.month = months.month
),

final as (
    select
        keys.customer_id,
        keys.month,
        coalesce(opening.outstanding_opening, 0) as outstanding_opening,
        {%- for type in types %}
        coalesce(flows.{{ type }}, 0) as {{ type }},
        {%- endfor %}
        coalesce(outstanding.outstanding, 0) as outstanding
    from keys
    left join opening
        on keys.customer_id = opening.customer_id
        and keys.month = opening.month
    left join flows
        on keys.customer_id = flows.customer_id
        and keys.month = flows.month
    left join outstanding
        on keys.customer_id = outstanding.customer_id
        and keys.month = outstanding.month
)

select * from final
