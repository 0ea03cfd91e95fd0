{%- set outcomes = ['recovered', 'open', 'lost'] -%}
with cases as (
    select
        *,
        {{ first_of_month('failed_date') }} as month
    from {{ ref('int_dunning_outcomes') }}
),

invoices as (
    select
        policy_id,
        month,
        count(*) as failed_invoices,
        sum(case when is_retried then 1 else 0 end) as retried_invoices,
        sum(amount) as failed_amount,
        sum(case when amount is null then 1 else 0 end) as invoices_without_rate,
        {%- for outcome in outcomes %}
        sum(case when outcome = '{{ outcome }}' then 1 else 0 end) as {{ outcome }}_invoices,
        sum(case when outcome = '{{ outcome }}' then amount else 0 end) as {{ outcome }}_amount,
        {%- endfor %}
        percentile_cont(0.5) within group (
            order by {{ days_between('failed_date', 'recovered_date') }}
        ) as median_days_to_recover
    from cases
    group by
        policy_id,
        month
),

-- A customer is recovered when all its failed invoices of the month are, lost when one of them is.
customers as (
    select
        policy_id,
        month,
        customer_id,
        max(mrr_at_risk) as mrr_at_risk,
        case
            when bool_or(outcome = 'lost') then 'lost'
            when bool_and(outcome = 'recovered') then 'recovered'
            else 'open'
        end as outcome
    from cases
    group by
        policy_id,
        month,
        customer_id
),

customer_sums as (
    select
        policy_id,
        month,
        count(*) as failed_customers,
        sum(mrr_at_risk) as mrr_at_risk,
        {%- for outcome in outcomes %}
        sum(case when outcome = '{{ outcome }}' then 1 else 0 end) as {{ outcome }}_customers,
        sum(case when outcome = '{{ outcome }}' then mrr_at_risk else 0 end)
            as {{ outcome }}_mrr{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    group by
        policy_id,
        month
),

final as (
    select
        invoices.policy_id,
        invoices.month,
        cast(invoices.failed_invoices as bigint) as failed_invoices,
        cast(invoices.retried_invoices as bigint) as retried_invoices,
        {%- for outcome in outcomes %}
        cast(invoices.{{ outcome }}_invoices as bigint) as {{ outcome }}_invoices,
        {%- endfor %}
        cast(coalesce(invoices.failed_amount, 0) as decimal(18, 2)) as failed_amount,
        {%- for outcome in outcomes %}
        cast(coalesce(invoices.{{ outcome }}_amount, 0) as decimal(18, 2))
            as {{ outcome }}_amount,
        {%- endfor %}
        cast(invoices.invoices_without_rate as bigint) as invoices_without_rate,
        {{ ratio('invoices.recovered_invoices', 'invoices.failed_invoices') }} as recovery_rate,
        {{ wilson('invoices.recovered_invoices', 'invoices.failed_invoices', 'low') }}
            as recovery_rate_low,
        {{ wilson('invoices.recovered_invoices', 'invoices.failed_invoices', 'high') }}
            as recovery_rate_high,
        {{ ratio('invoices.recovered_amount', 'invoices.failed_amount') }}
            as amount_recovery_rate,
        cast(invoices.median_days_to_recover as decimal(18, 6)) as median_days_to_recover,
        cast(customer_sums.failed_customers as bigint) as failed_customers,
        {%- for outcome in outcomes %}
        cast(customer_sums.{{ outcome }}_customers as bigint) as {{ outcome }}_customers,
        {%- endfor %}
        cast(customer_sums.mrr_at_risk as decimal(18, 2)) as mrr_at_risk,
        {%- for outcome in outcomes %}
        cast(customer_sums.{{ outcome }}_mrr as decimal(18, 2)) as {{ outcome }}_mrr,
        {%- endfor %}
        invoices.failed_invoices < {{ small_sample_size() }} as is_small_sample,
        last_day(invoices.month) <= {{ as_of_date() }} as is_complete
    from invoices
    inner join customer_sums
        on invoices.policy_id = customer_sums.policy_id
        and invoices.month = customer_sums.month
)

select * from final
