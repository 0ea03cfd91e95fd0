with sums as (
    select * from {{ ref('int_period_sums_by_segment') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

-- What the policy's switches choose (docs/retention_rules.md 2 and 3).
chosen as (
    select
        sums.*,
        policies.grr_cap,
        sums.customers_lost_of_start
        + case when policies.churn_rate_excludes_new then 0 else sums.customers_won_and_lost end
            as customers_lost,
        sums.customers_start
        + case policies.churn_rate_base
            when 'start_plus_new' then sums.customers_won + sums.customers_won_and_lost
            else 0
        end as churn_base_customers,
        case policies.grr_cap
            when 'aggregate' then least(sums.mrr_end_of_base_customers, sums.retention_base_mrr)
            else sums.capped_mrr
        end as gross_retained_mrr,
        sums.lost_mrr - sums.expansion_mrr - sums.counted_reactivation_mrr as net_lost_mrr,
        case policies.nrr_base
            when 'twelve_months_ago' then periods.year_before_date
            else periods.start_date
        end as retention_base_date,
        periods.is_complete
    from sums
    inner join policies
        on sums.policy_id = policies.policy_id
    inner join periods
        on sums.period_type = periods.period_type
        and sums.period_start = periods.period_start
),

final as (
    select
        policy_id,
        period_type,
        period_start,
        segment_type,
        segment_value,
        {%- for column in [
            'customers_start', 'customers_won', 'customers_won_and_lost',
            'customers_lost_of_start', 'customers_lost', 'customers_end', 'churn_base_customers',
        ] %}
        cast({{ column }} as bigint) as {{ column }},
        {%- endfor %}
        {{ ratio('(customers_end - customers_won)', 'customers_start') }}
            as customer_retention_rate,
        {%- for end in ['low', 'high'] %}
        {{ wilson('(customers_end - customers_won)', 'customers_start', end) }}
            as customer_retention_rate_{{ end }},
        {%- endfor %}
        {{ ratio('customers_lost', 'churn_base_customers') }} as logo_churn_rate,
        {%- for end in ['low', 'high'] %}
        {{ wilson('customers_lost', 'churn_base_customers', end) }} as logo_churn_rate_{{ end }},
        {%- endfor %}
        {%- for column in [
            'mrr_start', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr',
            'churn_mrr', 'voluntary_churn_mrr', 'involuntary_churn_mrr', 'fx_mrr', 'mrr_end',
            'mrr_end_of_start_customers',
        ] %}
        cast({{ column }} as decimal(18, 2)) as {{ column }},
        {%- endfor %}
        retention_base_date,
        cast(retention_base_customers as bigint) as retention_base_customers,
        {%- for column in ['retention_base_mrr', 'retained_mrr', 'gross_retained_mrr'] %}
        cast({{ column }} as decimal(18, 2)) as {{ column }},
        {%- endfor %}
        {{ ratio('gross_retained_mrr', 'retention_base_mrr') }} as gross_revenue_retention,
        {%- for end in ['low', 'high'] %}
        case
            when retention_base_customers >= 2 and retention_base_mrr > 0
                then least(
                    greatest(
                        case grr_cap
                            when 'aggregate' then {{ ratio_interval(
                                'retention_base_customers', 'retention_base_mrr',
                                'mrr_end_of_base_customers', 'base_squares', 'base_by_base_end',
                                'base_end_squares', end
                            ) }}
                            else {{ ratio_interval(
                                'retention_base_customers', 'retention_base_mrr', 'capped_mrr',
                                'base_squares', 'base_by_capped', 'capped_squares', end
                            ) }}
                        end,
                        0
                    ),
                    1
                )
        end as gross_revenue_retention_{{ end }},
        {%- endfor %}
        {{ ratio('retained_mrr', 'retention_base_mrr') }} as net_revenue_retention,
        {%- for end in ['low', 'high'] %}
        {{ ratio_interval(
            'retention_units', 'retention_base_mrr', 'retained_mrr', 'base_squares',
            'base_by_retained', 'retained_squares', end
        ) }} as net_revenue_retention_{{ end }},
        {%- endfor %}
        {{ ratio('lost_mrr', 'mrr_start') }} as gross_mrr_churn_rate,
        {%- for end in ['low', 'high'] %}
        {{ ratio_interval(
            'churn_units', 'mrr_start', 'lost_mrr', 'start_squares', 'start_by_lost',
            'lost_squares', end
        ) }} as gross_mrr_churn_rate_{{ end }},
        {%- endfor %}
        {{ ratio('net_lost_mrr', 'mrr_start') }} as net_mrr_churn_rate,
        {%- for end in ['low', 'high'] %}
        {{ ratio_interval(
            'churn_units', 'mrr_start', 'net_lost_mrr', 'start_squares', 'start_by_net_lost',
            'net_lost_squares', end
        ) }} as net_mrr_churn_rate_{{ end }},
        {%- endfor %}
        customers_start < {{ small_sample_size() }} as is_small_sample,
        retention_base_customers < {{ small_sample_size() }} as is_small_retention_base,
        is_complete
    from chosen
)

select * from final
