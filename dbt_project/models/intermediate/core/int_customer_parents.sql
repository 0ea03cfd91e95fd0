-- The parent unit of every billing customer: its crm account, up the parent accounts to the root
-- (docs/mrr_rules.md 6). One row per customer.
with recursive accounts as (
    select
        account_id,
        coalesce(billing_customer_id, account_id) as customer_id,
        parent_account_id
    from {{ ref('stg_crm__accounts') }}
    where is_current
),

subscribers as (
    select customer_id
    from {{ ref('stg_billing__subscriptions') }}
    where is_current
    group by customer_id
),

customers as (
    select coalesce(billed.customer_id, subscribers.customer_id) as customer_id
    from (
        select customer_id
        from {{ ref('stg_billing__customers') }}
        where is_current
    ) as billed
    full outer join subscribers
        on billed.customer_id = subscribers.customer_id
),

-- Several accounts of one customer: the lowest id says the parent.
customer_accounts as (
    select
        customer_id,
        min(account_id) as account_id
    from accounts
    group by customer_id
),

ancestors as (
    select
        account_id,
        account_id as ancestor_id,
        parent_account_id as next_id,
        0 as distance
    from accounts
    where parent_account_id is not null
    union all
    select
        ancestors.account_id,
        accounts.account_id as ancestor_id,
        accounts.parent_account_id as next_id,
        ancestors.distance + 1 as distance
    from ancestors
    inner join accounts
        on ancestors.next_id = accounts.account_id
    where ancestors.distance < 40
),

-- A circle has no root: the lowest id in it stands for one, whichever account one comes from. After
-- twenty parents one goes round in it.
roots as (
    select
        account_id,
        case
            when max(distance) < 40 then max_by(ancestor_id, distance)
            else min(case when distance >= 20 then ancestor_id end)
        end as root_account_id
    from ancestors
    group by account_id
),

final as (
    select
        customers.customer_id,
        customer_accounts.account_id,
        coalesce(roots.root_account_id, customer_accounts.account_id) as root_account_id,
        coalesce(root_accounts.customer_id, customers.customer_id) as parent_unit_id
    from customers
    left join customer_accounts
        on customers.customer_id = customer_accounts.customer_id
    left join roots
        on customer_accounts.account_id = roots.account_id
    left join accounts as root_accounts
        on roots.root_account_id = root_accounts.account_id
)

select * from final
