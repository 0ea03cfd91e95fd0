-- Tenths of the customers by score. Customers of one score stay together, so a tenth may be larger
-- or missing.
with counts as (
    select * from {{ ref('int_health_score_counts') }}
),

placed as (
    select
        *,
        (sum(customers) over scope_scores) - customers as customers_below,
        sum(customers) over (partition by scope, as_of_date) as customers_in_all
    from counts
    window scope_scores as (
        partition by scope, as_of_date
        order by score
        rows between unbounded preceding and current row
    )
),

tenths as (
    select
        scope,
        as_of_date,
        -- By the middle of the customers that share the score.
        1 + cast(
            floor((2 * customers_below + customers) * 10 / (2.0 * customers_in_all)) as integer
        ) as decile,
        score,
        customers,
        churned
    from placed
),

summed as (
    select
        scope,
        as_of_date,
        least(decile, 10) as decile,
        min(score) as lowest_score,
        max(score) as highest_score,
        cast(sum(customers) as bigint) as customers,
        cast(sum(churned) as bigint) as churned_customers
    from tenths
    group by
        scope,
        as_of_date,
        least(decile, 10)
),

final as (
    select
        scope,
        as_of_date,
        decile,
        lowest_score,
        highest_score,
        customers,
        churned_customers,
        {{ ratio('churned_customers', 'customers') }} as churn_rate,
        {{ wilson('churned_customers', 'customers', 'low') }} as churn_rate_low,
        {{ wilson('churned_customers', 'customers', 'high') }} as churn_rate_high,
        customers < {{ small_sample_size() }} as is_small_sample
    from summed
)

select * from final
