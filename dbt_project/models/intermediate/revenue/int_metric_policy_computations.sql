{#- Tests may add policies that are in no seed: a list of rows with the seed's columns. -#}
{%- set extra_policies = var('extra_metric_policies', []) -%}

-- Every way of counting that is computed: the enabled policies, and the steps between them.
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

-- Where several policies are enabled, the way from the official one to each other is computed
-- switch by switch, as policies of their own (metrics.md 3, the policy ladder).
ladder_steps as (
    {%- for switch in policy_ladder_switches() %}
    {%- set step = loop.index %}
    select
        official.policy_id || '>' || other.policy_id || '#{{ "%02d" | format(step) }}' as policy_id,
        {%- for column in policy_columns() if column != 'policy_id' %}
        {% if column == 'grain' and 'grain' in policy_ladder_switches()[:step] -%}
            -- A parent's MRR cannot be told apart by customer: the ladder stays with customers.
            case when other.grain = 'parent_account' then 'customer' else other.grain end as grain
        {%- elif column == 'grain' -%}
            case when official.grain = 'parent_account' then 'customer' else official.grain end
                as grain
        {%- elif column in policy_ladder_switches()[:step]
            or (column == 'constant_fx_date' and 'fx' in policy_ladder_switches()[:step]) -%}
            other.{{ column }}
        {%- else -%}
            official.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %},
        true as is_ladder_step,
        official.policy_id as from_policy_id,
        other.policy_id as to_policy_id,
        {{ step }} as switch_number,
        '{{ switch }}' as switch
    from enabled as official
    inner join enabled as other
        on official.policy_id <> other.policy_id
    where official.policy_id = '{{ var("official_policy") }}'
        and (
            official.{{ switch }} is distinct from other.{{ switch }}
            {%- if switch == 'fx' %}
            or official.constant_fx_date is distinct from other.constant_fx_date
            {%- endif %}
        )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Where the official policy counts parents, its ladder starts from it by customers.
ladder_starts as (
    select
        policy_id || '>' as policy_id,
        {%- for column in policy_columns() if column != 'policy_id' %}
        {{ "'customer' as grain" if column == 'grain' else column }},
        {%- endfor %}
        true as is_ladder_step,
        policy_id as from_policy_id,
        cast(null as {{ dbt.type_string() }}) as to_policy_id,
        0 as switch_number,
        cast(null as {{ dbt.type_string() }}) as switch
    from enabled
    where policy_id = '{{ var("official_policy") }}'
        and grain = 'parent_account'
),

computations as (
    select
        *,
        false as is_ladder_step,
        cast(null as {{ dbt.type_string() }}) as from_policy_id,
        cast(null as {{ dbt.type_string() }}) as to_policy_id,
        cast(null as integer) as switch_number,
        cast(null as {{ dbt.type_string() }}) as switch
    from enabled
    union all
    select * from ladder_steps
    union all
    select * from ladder_starts
),

final as (
    select
        policy_id,
        name,
        is_ladder_step,
        from_policy_id,
        to_policy_id,
        switch_number,
        switch,
        -- Policies that agree on every switch that moves MRR itself share one computation.
        dense_rank() over (
            order by {{ policy_level_switches() | join(', ') }}
        ) as variant_id,
        -- Those that agree on what MRR is worth, whose and when, share one history of it.
        dense_rank() over (
            order by {{ (policy_level_switches() + policy_series_switches()) | join(', ') }}
        ) as series_id,
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
    from computations
)

select * from final
