with cohort_months as (
    select * from {{ ref('int_cohort_months') }}
),

months as (
    select * from {{ ref('int_months') }}
),

sizes as (
    select
        policy_id,
        cohort_month,
        {{ segment_columns() }},
        count(*) as customers_initial,
        sum(mrr_initial) as mrr_initial
    from cohort_months
    where month = cohort_month
    group by {{ by_segment(['policy_id', 'cohort_month']) }}
),

active as (
    select
        policy_id,
        cohort_month,
        month,
        {{ segment_columns() }},
        sum(customers_active) as customers_active,
        sum(customers_never_lost) as customers_never_lost,
        sum(mrr_active) as mrr_active,
        sum(gross_mrr_active) as gross_mrr_active
    from cohort_months
    group by {{ by_segment(['policy_id', 'cohort_month', 'month']) }}
),

-- A cohort of which nobody is left stays, with zeros.
ages as (
    select
        sizes.policy_id,
        sizes.cohort_month,
        months.month,
        {{ months_between_firsts('sizes.cohort_month', 'months.month') }} as months_since,
        sizes.segment_type,
        sizes.segment_value,
        sizes.customers_initial,
        coalesce(active.customers_active, 0) as customers_active,
        coalesce(active.customers_never_lost, 0) as customers_never_lost,
        sizes.mrr_initial,
        coalesce(active.mrr_active, 0) as mrr_active,
        coalesce(active.gross_mrr_active, 0) as gross_mrr_active,
        months.is_complete
    from sizes
    inner join months
        on sizes.cohort_month <= months.month
    left join active
        on sizes.policy_id = active.policy_id
        and sizes.cohort_month = active.cohort_month
        and sizes.segment_type = active.segment_type
        and sizes.segment_value = active.segment_value
        and months.month = active.month
),

final as (
    select
        policy_id,
        cohort_month,
        cast(months_since as integer) as months_since,
        segment_type,
        segment_value,
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
        customers_initial < {{ small_sample_size() }} as is_small_sample,
        is_complete
    from ages
)

select * from final
