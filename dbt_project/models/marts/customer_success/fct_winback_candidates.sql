with churns as (
    select * from {{ ref('int_churns_returned') }}
    where returned_date is null
),

customers as (
    select * from {{ ref('int_customers_profiled') }}
),

rules as (
    {{ list_rules('winback', ['minimum_days_away', 'maximum_days_away']) }}
),

approaches as (
    select * from {{ ref('winback_approaches') }}
),

-- What has been mended since the customer left; of several mends the latest.
mends as (
    select
        churns.movement_id,
        mended_reasons.mended_on,
        mended_reasons.what,
        row_number() over (
            partition by churns.movement_id
            order by mended_reasons.mended_on desc, mended_reasons.mended_reason_id
        ) as recency
    from churns
    inner join {{ ref('mended_reasons') }} as mended_reasons
        on churns.reason = mended_reasons.reason
        and coalesce(mended_reasons.plan, churns.plan) = churns.plan
        and mended_reasons.mended_on > churns.churn_date
        and mended_reasons.mended_on <= {{ as_of_date() }}
),

away as (
    select
        churns.*,
        customers.account_id,
        customers.account_name,
        customers.owner_id,
        {{ days_between('churns.churn_date', as_of_date()) }} as days_away_so_far
    from churns
    inner join customers
        on churns.customer_id = customers.customer_id
    -- Under grain subscription a customer may have left one and still pay for another.
    where customers.status not in ('paying', 'trialing', 'free')
        and {{ may_be_on_list("'winback'", 'customer', 'churns.customer_id') }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        away.policy_id,
        away.movement_id as churn_event_id,
        away.customer_id,
        away.subscription_id,
        away.account_id,
        away.account_name,
        away.owner_id,
        away.churn_date,
        cast(away.days_away_so_far as integer) as days_away,
        away.churn_type,
        away.reason,
        cast(away.mrr_lost as decimal(18, 2)) as mrr_lost,
        cast(away.tenure_days as integer) as tenure_days,
        cast(away.churn_number as integer) as churn_number,
        away.plan,
        mends.mended_on is not null as is_reason_mended,
        mends.mended_on as mended_date,
        mends.what as mended_what,
        coalesce(approaches.approach, fallback.approach) as suggested_approach,
        'Left on ' || cast(away.churn_date as {{ dbt.type_string() }})
        || ' (' || replace(away.reason, '_', ' ') || ')'
        || case when mends.mended_on is not null
            then '; mended since: ' || mends.what else '' end as why_listed
    from away
    cross join rules
    left join mends
        on away.movement_id = mends.movement_id
        and mends.recency = 1
    left join approaches
        on away.reason = approaches.reason
    left join approaches as fallback
        on fallback.reason = 'unknown'
    where away.days_away_so_far between rules.minimum_days_away and rules.maximum_days_away
)

select * from final
