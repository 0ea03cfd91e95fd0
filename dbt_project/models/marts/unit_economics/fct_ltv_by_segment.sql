with estimates as (
    select * from {{ ref('int_ltv_estimated') }}
    where period_type = 'month'
),

projections as (
    select * from {{ ref('int_ltv_projected') }}
    where segment_type <> 'cohort_month'
),

months as (
    select * from {{ ref('int_months') }}
    where month = {{ first_of_month(as_of_date()) }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

formulas as (
    select
        estimates.policy_id,
        estimates.period_start as month,
        estimates.segment_type,
        estimates.segment_value,
        estimates.method,
        estimates.ltv,
        estimates.low,
        estimates.high,
        estimates.reason,
        estimates.is_small_sample,
        estimates.customers,
        estimates.customers_at_risk,
        estimates.customers_lost,
        estimates.arpa,
        estimates.churn_rate,
        estimates.gross_margin,
        estimates.is_default_margin,
        cast(null as double) as alpha,
        cast(null as double) as beta,
        estimates.is_complete
    from estimates
),

methods as (
    select 'realised' as method
    union all
    select 'projected' as method
),

-- What has happened, and what a fit of it expects, are of the as-of date only.
lifetimes as (
    select
        projections.policy_id,
        months.month,
        projections.segment_type,
        projections.segment_value,
        methods.method,
        case methods.method
            when 'realised' then projections.realised_ltv
            else projections.projected_ltv
        end as ltv,
        case when methods.method = 'projected' then projections.projected_low end as low,
        case when methods.method = 'projected' then projections.projected_high end as high,
        case when methods.method = 'projected' then projections.reason end as reason,
        projections.customers < {{ small_sample_size() }} as is_small_sample,
        projections.customers,
        projections.customers_at_risk,
        projections.customers_lost,
        cast(null as decimal(18, 2)) as arpa,
        case when methods.method = 'projected' then projections.mean_churn end as churn_rate,
        cast(null as decimal(18, 6)) as gross_margin,
        cast(null as boolean) as is_default_margin,
        case when methods.method = 'projected' then projections.alpha end as alpha,
        case when methods.method = 'projected' then projections.beta end as beta,
        months.is_complete
    from projections
    cross join months
    cross join methods
),

every_method as (
    select * from formulas
    union all
    select * from lifetimes
),

final as (
    select
        every_method.policy_id,
        every_method.month,
        every_method.segment_type,
        every_method.segment_value,
        every_method.method,
        every_method.method = policies.ltv_method as is_policy_method,
        cast(every_method.ltv as decimal(18, 2)) as ltv,
        cast(every_method.low as decimal(18, 2)) as low,
        cast(every_method.high as decimal(18, 2)) as high,
        every_method.reason,
        every_method.is_small_sample,
        cast(every_method.customers as bigint) as customers,
        cast(every_method.customers_at_risk as bigint) as customers_at_risk,
        cast(every_method.customers_lost as bigint) as customers_lost,
        cast(every_method.arpa as decimal(18, 2)) as arpa,
        cast(every_method.churn_rate as decimal(18, 6)) as churn_rate,
        cast(every_method.gross_margin as decimal(18, 6)) as gross_margin,
        every_method.is_default_margin,
        cast(every_method.alpha as decimal(18, 6)) as alpha,
        cast(every_method.beta as decimal(18, 6)) as beta,
        every_method.is_complete
    from every_method
    inner join policies
        on every_method.policy_id = policies.policy_id
)

select * from final
