with benchmarks as (
    select * from {{ ref('benchmarks') }}
),

company as (
    select
        lower(company.industry) as industry,
        {{ days_between(
            'coalesce(company.founded_on, (select min(month) from ' ~ ref('int_months') ~ '))',
            as_of_date()
        ) }} / 365.25 as age_years
    from {{ ref('company') }} as company
),

metric_values as (
    select * from {{ ref('fct_metric_values_by_period') }}
    where segment_type = 'all'
        and is_complete
        and value is not null
),

-- The last period that is over and can be said.
latest as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by metric, period_type order by period_start desc
            ) as recency
        from metric_values
    ) as ranked
    where recency = 1
),

compared as (
    select
        benchmarks.*,
        latest.period_start,
        latest.value as own_value,
        latest.low as own_low,
        latest.high as own_high,
        latest.is_small_sample,
        company.age_years,
        coalesce(company.age_years >= benchmarks.age_years_from, benchmarks.age_years_from is null)
        and coalesce(company.age_years < benchmarks.age_years_to, benchmarks.age_years_to is null)
        and coalesce(
            case benchmarks.industry
                when 'other' then company.industry <> 'saas'
                else company.industry = benchmarks.industry
            end,
            benchmarks.industry is null
        ) as is_applicable
    from benchmarks
    cross join company
    left join latest
        on benchmarks.metric = latest.metric
        and benchmarks.period_type = latest.period_type
),

final as (
    select
        '{{ var("official_policy") }}' as policy_id,
        benchmark_key,
        statement,
        metric,
        period_type,
        period_start,
        own_value,
        own_low,
        own_high,
        low,
        high,
        better,
        is_applicable,
        case
            when not is_applicable then 'not_applicable'
            when own_value is null then 'no_own_value'
            when own_value < low then case better when 'lower' then 'better' else 'worse' end
            when own_value > high then case better when 'lower' then 'worse' else 'better' end
            else 'within'
        end as verdict,
        cast(age_years as decimal(18, 6)) as company_age_years,
        coalesce(is_small_sample, false) as is_small_sample,
        source,
        as_of,
        note
    from compared
)

select * from final
