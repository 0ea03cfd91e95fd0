with cohort_months as (
    select * from {{ ref('fct_retention_by_cohort_month') }}
),

-- Only cohorts old enough: whose month of that age is over.
sums as (
    select
        policy_id,
        months_since,
        segment_type,
        segment_value,
        count(*) as cohorts,
        sum(customers_initial) as customers_initial,
        sum(customers_active) as customers_active,
        sum(customers_never_lost) as customers_never_lost,
        sum(mrr_initial) as mrr_initial,
        sum(mrr_active) as mrr_active,
        sum(gross_mrr_active) as gross_mrr_active
    from cohort_months
    where is_complete
    group by
        policy_id,
        months_since,
        segment_type,
        segment_value
),

final as (
    select
        policy_id,
        months_since,
        segment_type,
        segment_value,
        cast(cohorts as bigint) as cohorts,
        cast(customers_initial as bigint) as customers_initial,
        cast(customers_active as bigint) as customers_active,
        cast(customers_never_lost as bigint) as customers_never_lost,
        {{ ratio('customers_active', 'customers_initial') }} as logo_retention,
        {{ wilson('customers_active', 'customers_initial', 'low') }} as logo_retention_low,
        {{ wilson('customers_active', 'customers_initial', 'high') }} as logo_retention_high,
        {{ ratio('customers_never_lost', 'customers_initial') }} as continuous_logo_retention,
        cast(mrr_initial as decimal(18, 2)) as mrr_initial,
        cast(mrr_active as decimal(18, 2)) as mrr_active,
        cast(gross_mrr_active as decimal(18, 2)) as gross_mrr_active,
        {{ ratio('mrr_active', 'mrr_initial') }} as net_retention,
        {{ ratio('gross_mrr_active', 'mrr_initial') }} as gross_retention,
        customers_initial < {{ small_sample_size() }} as is_small_sample
    from sums
)

select * from final
