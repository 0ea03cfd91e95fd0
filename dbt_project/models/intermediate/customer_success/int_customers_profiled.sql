-- What the lists of customer success are drawn from: every customer that is not deleted, with its
-- owner, MRR, tenure, use and mood as of the as-of date, under the official policy. One row per
-- customer.
with customers as (
    select * from {{ ref('int_customers') }}
    where not is_deleted
),

activity as (
    select * from {{ ref('int_customer_activity') }}
),

-- From when on silence would be heard: not in a company whose events have not landed.
watched as (
    select
        accounts.customer_id,
        min(starts.watch_date) as watch_date
    from {{ ref('int_account_watch_starts') }} as starts
    inner join {{ ref('int_accounts') }} as accounts
        on starts.account_id = accounts.account_id
    group by accounts.customer_id
),

-- Of several accounts the one in the worst health speaks for the customer.
health as (
    select
        customer_id,
        min(score) as health_score
    from {{ ref('int_health_snapshots') }}
    where as_of_date = {{ as_of_date() }}
    group by customer_id
),

champions as (
    select
        customer_id,
        count(*) as champion_count
    from {{ ref('int_customer_contacts') }}
    where is_champion
    group by customer_id
),

units as (
    select * from {{ ref('int_unit_customers') }}
    where policy_id = '{{ var("official_policy") }}'
),

stretches as (
    select * from {{ ref('int_unit_stretches') }}
    where policy_id = '{{ var("official_policy") }}'
),

-- A stretch that begins where one ended only changed its MRR: what counts is the last gap.
joined_stretches as (
    select
        units.customer_id,
        stretches.from_date,
        stretches.to_date,
        stretches.mrr,
        max(stretches.to_date) over (
            partition by units.customer_id
            order by stretches.from_date, stretches.to_date
            rows between unbounded preceding and 1 preceding
        ) as paid_until_date
    from stretches
    inner join units
        on stretches.unit_id = units.unit_id
),

payments as (
    select
        customer_id,
        max(
            case
                when paid_until_date is null or paid_until_date < from_date then from_date
            end
        ) as paying_since_date,
        sum(
            case
                when from_date <= {{ add_months(as_of_date(), -12) }}
                    and to_date > {{ add_months(as_of_date(), -12) }}
                    then mrr
            end
        ) as mrr_a_year_ago
    from joined_stretches
    group by customer_id
),

final as (
    select
        customers.customer_id,
        coalesce(customers.account_id, customers.customer_id) as account_id,
        customers.customer_name as account_name,
        customers.owner_id,
        customers.segment,
        customers.plan,
        customers.status,
        customers.created_at,
        cast(customers.current_mrr as decimal(18, 2)) as current_mrr,
        customers.first_paid_date,
        payments.paying_since_date,
        {{ days_between('customers.first_paid_date', as_of_date()) }} as tenure_days,
        cast(payments.mrr_a_year_ago as decimal(18, 2)) as mrr_a_year_ago,
        {{ ratio(
            'customers.current_mrr - payments.mrr_a_year_ago', 'payments.mrr_a_year_ago'
        ) }} as mrr_growth,
        coalesce(activity.active_days_28d, 0) as active_days_28d,
        coalesce(activity.active_days_28d_before, 0) as active_days_28d_before,
        coalesce(activity.core_features_28d, 0) as core_features_28d,
        coalesce(activity.open_tickets, 0) as open_tickets,
        activity.last_event_date,
        activity.last_ticket_date,
        activity.latest_score,
        activity.latest_score_date,
        {{ days_between('activity.latest_score_date', as_of_date()) }} as latest_score_age_days,
        -- Who was never heard of is silent since it could have been.
        case
            when watched.watch_date is not null
                then {{ days_between(
                    'coalesce(activity.last_sign_date, watched.watch_date)', as_of_date()
                ) }}
        end as silent_days,
        coalesce(champions.champion_count, 0) as champion_count,
        health.health_score
    from customers
    left join activity
        on customers.customer_id = activity.customer_id
    left join watched
        on customers.customer_id = watched.customer_id
    left join health
        on customers.customer_id = health.customer_id
    left join champions
        on customers.customer_id = champions.customer_id
    left join payments
        on customers.customer_id = payments.customer_id
)

select * from final
