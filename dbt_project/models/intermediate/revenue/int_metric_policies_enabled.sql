{#- Tests may add policies that are in no seed: a list of rows with the seed's columns. -#}
{%- set extra_policies = var('extra_metric_policies', []) -%}

with seeded as (
    select {{ policy_columns() | join(', ') }}
    from {{ ref('metric_policies') }}
    {%- for policy in extra_policies %}
    union all
    select
        {%- for column in policy_columns() %}
        {% if policy.get(column) is none or policy.get(column) == '' -%}
            cast(null as {{ dbt.type_string() }})
        {%- else -%}
            cast('{{ policy[column] }}' as {{ dbt.type_string() }})
        {%- endif %} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- endfor %}
),

enabled as (
    select *
    from seeded
    where policy_id in ('{{ var("enabled_policies") | join("', '") }}')
),

final as (
    select
        policy_id,
        name,
        -- Policies that agree on every switch that moves MRR itself share one computation.
        dense_rank() over (
            order by {{ policy_level_switches() | join(', ') }}
        ) as variant_id,
        mrr_basis,
        counted_statuses,
        {{ counts_status('trialing') }} as counts_trialing,
        {{ counts_status('active') }} as counts_active,
        {{ counts_status('past_due') }} as counts_past_due,
        {{ counts_status('unpaid') }} as counts_unpaid,
        cast(past_due_grace_days as integer) as past_due_grace_days,
        paused,
        paused = 'counted' as counts_paused,
        discounts,
        metered,
        refunds,
        churn_at,
        zero_mrr_customer,
        grain,
        movement_grain,
        cast(reactivation_window_days as integer) as reactivation_window_days,
        same_month_new_and_churn,
        week_factor,
        {{ factor_numerator('week_factor') }} as week_numerator,
        {{ factor_denominator('week_factor') }} as week_denominator,
        day_factor,
        {{ factor_numerator('day_factor') }} as day_numerator,
        {{ factor_denominator('day_factor') }} as day_denominator,
        fx,
        cast(constant_fx_date as date) as constant_fx_date,
        churn_rate_base,
        cast(churn_rate_excludes_new as boolean) as churn_rate_excludes_new,
        cast(reactivation_in_nrr as boolean) as reactivation_in_nrr,
        nrr_base,
        grr_cap,
        ltv_method,
        cast(as_of as date) as as_of,
        source,
        note
    from enabled
)

select * from final
