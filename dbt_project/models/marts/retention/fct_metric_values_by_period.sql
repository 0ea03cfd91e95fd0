{#- Rates of the period mart: numerator and denominator. -#}
{%- set period_rates = {
    'customer_retention_rate': ['customers_end - customers_won', 'customers_start'],
    'logo_churn_rate': ['customers_lost', 'churn_base_customers'],
    'gross_revenue_retention': ['gross_retained_mrr', 'retention_base_mrr'],
    'net_revenue_retention': ['retained_mrr', 'retention_base_mrr'],
    'gross_mrr_churn_rate': ['-churn_mrr - contraction_mrr', 'mrr_start'],
    'net_mrr_churn_rate': ['net_lost_mrr', 'mrr_start'],
} -%}
{#- Marts of a month, summed over a period: relation, numerator, denominator, what is settled. -#}
{%- set month_rates = {
    'quick_ratio': [
        'fct_mrr_by_month', 'new_mrr + expansion_mrr + reactivation_mrr',
        '-contraction_mrr - churn_mrr', 'is_complete',
    ],
    'card_expiring_rate': [
        'fct_expiring_cards_by_month', 'cards_expiring', 'cards_on_file', 'is_complete',
    ],
    'card_renewal_rate': [
        'fct_expiring_cards_by_month', 'customers_renewed', 'customers_affected', 'is_complete',
    ],
    'payment_recovery_rate': [
        'fct_dunning_funnel_by_month', 'recovered_invoices', 'failed_invoices', 'is_complete',
    ],
    'prospect_conversion_rate': [
        'fct_acquisition_funnel_by_month', 'converted', 'leads', 'is_mature',
    ],
    'retention_after_12_months': [
        'fct_retention_by_cohort_month', 'customers_active', 'customers_initial', 'is_complete',
    ],
} -%}
{#- Counts out of counts: their interval is Wilson's. -#}
{%- set counted -%}
    'card_expiring_rate', 'card_renewal_rate', 'payment_recovery_rate',
    'prospect_conversion_rate', 'retention_after_12_months', 'customer_expansion_rate'
{%- endset -%}
with retention as (
    select
        periods.*,
        -periods.churn_mrr - periods.contraction_mrr - periods.expansion_mrr
        - case when policies.reactivation_in_nrr then periods.reactivation_mrr else 0 end
            as net_lost_mrr
    from {{ ref('fct_retention_by_period') }} as periods
    inner join {{ ref('dim_metric_policies') }} as policies
        on periods.policy_id = policies.policy_id
        and policies.is_official
),

periods as (
    select * from {{ ref('int_periods') }}
),

expanded as (
    select * from {{ ref('int_customers_expanded_by_period') }}
    where policy_id = '{{ var("official_policy") }}'
),

spend as (
    select
        month,
        acquisition_spend,
        retention_spend
    from {{ ref('fct_acquisition_retention_balance') }}
    where policy_id = '{{ var("official_policy") }}'
),

{% for metric, parts in month_rates.items() -%}
{{ metric }}_months as (
    select
        {% if metric == 'retention_after_12_months' -%}
        {{ add_months('cohort_month', 12) }} as month,
        {%- else -%}
        month,
        {%- endif %}
        {% if metric in ['quick_ratio', 'retention_after_12_months'] -%}
        segment_type,
        segment_value,
        {%- else -%}
        'all' as segment_type,
        'all' as segment_value,
        {%- endif %}
        {{ parts[1] }} as numerator,
        {{ parts[2] }} as denominator,
        {{ parts[3] }} as is_settled
    from {{ ref(parts[0]) }}
    {% if metric == 'prospect_conversion_rate' -%}
    where breakdown = 'all'
    {%- else -%}
    where policy_id = '{{ var("official_policy") }}'
    {%- endif %}
    {%- if metric == 'retention_after_12_months' %}
        and months_since = 12
    {%- endif %}
),

{% endfor -%}
sums as (
    {%- for metric, parts in period_rates.items() %}
    select
        '{{ metric }}' as metric,
        period_type,
        period_start,
        segment_type,
        segment_value,
        cast({{ parts[0] }} as decimal(28, 6)) as numerator,
        cast({{ parts[1] }} as decimal(28, 6)) as denominator,
        {{ metric }}_low as known_low,
        {{ metric }}_high as known_high,
        {{ 'is_small_retention_base' if 'revenue_retention' in metric else 'is_small_sample' }}
            as is_known_small,
        is_complete
    from retention
    union all
    {%- endfor %}
    {%- for metric, parts in month_rates.items() %}
    select
        '{{ metric }}' as metric,
        periods.period_type,
        periods.period_start,
        months.segment_type,
        months.segment_value,
        cast(sum(months.numerator) as decimal(28, 6)) as numerator,
        cast(sum(months.denominator) as decimal(28, 6)) as denominator,
        cast(null as decimal(18, 6)) as known_low,
        cast(null as decimal(18, 6)) as known_high,
        cast(null as boolean) as is_known_small,
        bool_and(months.is_settled) and bool_and(periods.is_complete) as is_complete
    from {{ metric }}_months as months
    inner join periods
        on months.month between periods.period_start and periods.end_date
    group by
        periods.period_type,
        periods.period_start,
        months.segment_type,
        months.segment_value
    union all
    {%- endfor %}
    select
        'customer_expansion_rate' as metric,
        expanded.period_type,
        expanded.period_start,
        'all' as segment_type,
        'all' as segment_value,
        cast(expanded.customers_expanded as decimal(28, 6)) as numerator,
        cast(expanded.customers_start as decimal(28, 6)) as denominator,
        cast(null as decimal(18, 6)) as known_low,
        cast(null as decimal(18, 6)) as known_high,
        cast(null as boolean) as is_known_small,
        periods.is_complete
    from expanded
    inner join periods
        on expanded.period_type = periods.period_type
        and expanded.period_start = periods.period_start
    union all
    -- What a customer won cost, by what a customer kept cost.
    select
        'acquisition_to_retention_cost_ratio' as metric,
        retention.period_type,
        retention.period_start,
        'all' as segment_type,
        'all' as segment_value,
        {{ ratio('sum(spend.acquisition_spend)', 'max(retention.customers_won)') }} as numerator,
        {{ ratio(
            'sum(spend.retention_spend)', 'max(retention.customers_end - retention.customers_won)'
        ) }} as denominator,
        cast(null as decimal(18, 6)) as known_low,
        cast(null as decimal(18, 6)) as known_high,
        bool_or(retention.customers_won < {{ small_sample_size() }}) as is_known_small,
        bool_and(retention.is_complete) as is_complete
    from retention
    inner join periods
        on retention.period_type = periods.period_type
        and retention.period_start = periods.period_start
    inner join spend
        on spend.month between periods.period_start and periods.end_date
    where retention.segment_type = 'all'
    group by
        retention.period_type,
        retention.period_start
    union all
    -- A customer that stays with probability r a year brings 1 / (1 - r) years of revenue: five
    -- points more bring (1 - r) / (0.95 - r) times that.
    select
        'revenue_lift_of_5_points_retention' as metric,
        period_type,
        period_start,
        segment_type,
        segment_value,
        cast(0.05 as decimal(28, 6)) as numerator,
        cast(
            case when customer_retention_rate < 0.95 then 0.95 - customer_retention_rate end
            as decimal(18, 6)
        ) as denominator,
        cast(null as decimal(18, 6)) as known_low,
        cast(null as decimal(18, 6)) as known_high,
        is_small_sample as is_known_small,
        is_complete
    from retention
    where period_type = 'year'
),

final as (
    select
        '{{ var("official_policy") }}' as policy_id,
        metric,
        period_type,
        period_start,
        segment_type,
        segment_value,
        {{ ratio('numerator', 'denominator') }} as value,
        numerator,
        denominator,
        {%- for end in ['low', 'high'] %}
        case
            when metric in ({{ counted }})
                then {{ wilson('numerator', 'denominator', end) }}
            else known_{{ end }}
        end as {{ end }},
        {%- endfor %}
        -- Of money a small sample cannot be told by the denominator; its mart says so.
        coalesce(
            is_known_small,
            metric in ({{ counted }})
            and denominator < {{ small_sample_size() }}
        ) as is_small_sample,
        is_complete
    from sums
)

select * from final
