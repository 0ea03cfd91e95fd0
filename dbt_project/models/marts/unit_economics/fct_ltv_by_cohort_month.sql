with margins as (
    select * from {{ ref('int_cohort_margins') }}
    where is_blended
),

projections as (
    select * from {{ ref('int_ltv_projected') }}
    where segment_type = 'cohort_month'
),

final as (
    select
        margins.policy_id,
        margins.cohort_month,
        margins.months_since,
        margins.customers_initial,
        margins.customers_active,
        margins.margin,
        margins.cumulative_margin,
        margins.cumulative_margin_per_customer as realised_ltv,
        cast(projections.projected_ltv as decimal(18, 2)) as projected_ltv,
        cast(projections.projected_low as decimal(18, 2)) as low,
        cast(projections.projected_high as decimal(18, 2)) as high,
        case
            when projections.policy_id is null then 'not_the_last_month'
            else projections.reason
        end as reason,
        cast(projections.alpha as decimal(18, 6)) as alpha,
        cast(projections.beta as decimal(18, 6)) as beta,
        margins.customers_initial < {{ small_sample_size() }} as is_small_sample,
        margins.is_complete
    from margins
    -- The projection starts from the as-of date.
    left join projections
        on margins.policy_id = projections.policy_id
        and cast(margins.cohort_month as {{ dbt.type_string() }}) = projections.segment_value
        and margins.month = {{ first_of_month(as_of_date()) }}
)

select * from final
