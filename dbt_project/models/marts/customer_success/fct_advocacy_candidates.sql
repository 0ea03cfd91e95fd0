with customers as (
    select * from {{ ref('int_customers_profiled') }}
    where status = 'paying'
),

rules as (
    select
        *,
        case kind when 'case_study' then 'case_studies' else 'advocates' end as list_key
    from {{ ref('advocacy_rules') }}
),

-- A rule's blank asks for nothing; what is asked for and not known is not met.
matched as (
    select
        customers.*,
        rules.rule_key,
        rules.kind,
        rules.approach,
        row_number() over (
            partition by customers.customer_id, rules.kind order by rules.rule_key
        ) as preference
    from customers
    inner join rules
        on customers.tenure_days >= coalesce(rules.minimum_tenure_days, 0)
        and (rules.minimum_score is null or customers.latest_score >= rules.minimum_score)
        and (
            rules.maximum_score_age_days is null
            or customers.latest_score_age_days <= rules.maximum_score_age_days
        )
        and customers.active_days_28d >= coalesce(rules.minimum_active_days, 0)
        and customers.core_features_28d >= coalesce(rules.minimum_core_features, 0)
        and customers.current_mrr >= coalesce(rules.minimum_mrr, 0)
        and (
            rules.minimum_mrr_growth is null or customers.mrr_growth >= rules.minimum_mrr_growth
        )
        and (
            rules.maximum_open_tickets is null
            or customers.open_tickets <= rules.maximum_open_tickets
        )
        and (
            rules.minimum_health_score is null
            or customers.health_score >= rules.minimum_health_score
        )
    where {{ may_be_on_list('rules.list_key', 'customer', 'customers.customer_id') }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        '{{ var("official_policy") }}' as policy_id,
        kind,
        customer_id,
        account_id,
        account_name,
        owner_id,
        current_mrr,
        rule_key,
        approach as suggested_approach,
        cast(tenure_days as integer) as tenure_days,
        latest_score,
        latest_score_date,
        cast(active_days_28d as bigint) as active_days_28d,
        cast(core_features_28d as bigint) as core_features_28d,
        mrr_growth as mrr_growth_rate,
        health_score,
        case when latest_score is not null
            then 'Scored ' || cast(latest_score as {{ dbt.type_string() }}) || ' on '
                || cast(latest_score_date as {{ dbt.type_string() }}) || '; ' else '' end
        || 'customer for '
        || cast(tenure_days as {{ dbt.type_string() }}) || ' days; active on '
        || cast(active_days_28d as {{ dbt.type_string() }}) || ' of the last 28'
        || case when mrr_growth > 0
            then '; MRR up by ' || cast(cast(round(mrr_growth * 100, 0) as integer)
                as {{ dbt.type_string() }}) || ' % in a year'
            else ''
        end as why_listed
    from matched
    where preference = 1
)

select * from final
