-- How far every lead has come by the as-of date. One row per lead.
with leads as (
    select * from {{ ref('stg_crm__leads') }}
    where {{ local_date('awareness_at') }} <= {{ as_of_date() }}
),

-- A step dated after the as-of date has not happened yet.
dated as (
    select
        lead_id,
        coalesce(channel, 'unknown') as channel,
        coalesce(campaign, 'unknown') as campaign,
        coalesce(motion, 'unknown') as motion,
        {{ local_date('awareness_at') }} as awareness_date,
        {%- for step in ['consideration', 'trial_started', 'converted', 'lost'] %}
        case when {{ local_date(step ~ '_at') }} <= {{ as_of_date() }}
            then {{ local_date(step ~ '_at') }} end as {{ step }}_date{{ ',' if not loop.last }}
        {%- endfor %}
    from leads
),

final as (
    select
        lead_id,
        channel,
        campaign,
        motion,
        {{ first_of_month('awareness_date') }} as month,
        -- Who tried or bought has considered.
        case
            when consideration_date is not null
                or trial_started_date is not null
                or converted_date is not null
                then 1
            else 0
        end as is_considered,
        case when trial_started_date is not null then 1 else 0 end as is_trial,
        case when converted_date is not null then 1 else 0 end as is_converted,
        case when trial_started_date is not null and converted_date is not null then 1 else 0 end
            as is_trial_converted,
        case when converted_date is null and lost_date is not null then 1 else 0 end as is_lost,
        case
            when {{ days_between('awareness_date', as_of_date()) }}
                >= {{ var('lead_maturity_days') }}
                then 1
            else 0
        end as is_mature,
        {%- for name, ends in {
            'consideration': ['awareness_date', 'consideration_date'],
            'trial': ['consideration_date', 'trial_started_date'],
            'trial_conversion': ['trial_started_date', 'converted_date'],
            'conversion': ['awareness_date', 'converted_date'],
        }.items() %}
        -- Steps out of order say nothing about the time between them.
        case when {{ ends[0] }} <= {{ ends[1] }} then {{ days_between(ends[0], ends[1]) }} end
            as days_to_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from dated
)

select * from final
