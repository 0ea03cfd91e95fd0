with answers as (
    select * from {{ ref('stg_survey__nps_responses') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

-- Who answers twice in a month counts once, with the last answer.
ranked as (
    select
        answers.*,
        coalesce(accounts.customer_id, answers.account_id) as customer_id,
        {{ first_of_month('answers.responded_date') }} as month,
        row_number() over (
            partition by
                answers.account_id,
                coalesce(answers.user_id, answers.response_id),
                {{ first_of_month('answers.responded_date') }}
            order by answers.responded_at desc, answers.response_id desc
        ) as recency
    from answers
    left join accounts
        on answers.account_id = accounts.account_id
),

attributed as (
    select
        ranked.month,
        ranked.customer_id,
        ranked.score,
        ranked.nps_group,
        {%- for segment in segment_types() %}
        coalesce(customers.{{ segment }}, 'unknown') as {{ segment }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from ranked
    left join customers
        on ranked.customer_id = customers.customer_id
    where ranked.recency = 1
),

summed as (
    select
        month,
        {{ segment_columns() }},
        count(*) as responses,
        count(distinct customer_id) as customers_answering,
        sum(case when nps_group = 'promoter' then 1 else 0 end) as promoters,
        sum(case when nps_group = 'passive' then 1 else 0 end) as passives,
        sum(case when nps_group = 'detractor' then 1 else 0 end) as detractors,
        sum(score) as score_sum
    from attributed
    group by {{ by_segment(['month']) }}
),

-- Interval: adjusted Wald with three answers added, 3/4 promoters, 3/2 passives, 3/4 detractors
-- (Rocks 2016, The American Statistician 70): a handful of like answers is no certainty.
adjusted as (
    select
        *,
        (promoters - detractors) / cast(responses + 3 as double) as centre,
        (promoters + detractors + 1.5e0) / cast(responses + 3 as double) as spread
    from summed
),

final as (
    select
        month,
        segment_type,
        segment_value,
        responses,
        customers_answering,
        cast(promoters as bigint) as promoters,
        cast(passives as bigint) as passives,
        cast(detractors as bigint) as detractors,
        cast(
            {{ ratio('(100 * (promoters - detractors))', 'responses', 4) }} as decimal(9, 4)
        ) as nps,
        -- The added answers pull it to 0; it is never drawn past what was answered.
        {%- for end, sign, limit in [('low', '-', 'least'), ('high', '+', 'greatest')] %}
        cast(
            100 * greatest(-1, least(1, {{ limit }}(
                cast(promoters - detractors as double) / responses,
                centre {{ sign }} {{ z_95() }} * sqrt(
                    (spread - centre * centre) / (responses + 3)
                )
            ))) as decimal(9, 4)
        ) as nps_{{ end }},
        {%- endfor %}
        cast({{ ratio('score_sum', 'responses', 4) }} as decimal(9, 4)) as mean_score,
        responses < {{ small_sample_size() }} as is_small_sample,
        last_day(month) <= {{ as_of_date() }} as is_complete
    from adjusted
)

select * from final
