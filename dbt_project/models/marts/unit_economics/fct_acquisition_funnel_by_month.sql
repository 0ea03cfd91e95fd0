{%- set breakdowns = {
    'all': [],
    'channel': ['channel'],
    'motion': ['motion'],
    'channel_motion': ['channel', 'motion'],
    'campaign': ['channel', 'motion', 'campaign'],
} -%}
{%- set steps = ['consideration', 'trial', 'trial_conversion', 'conversion'] -%}

-- Medians cannot be added up: each breakdown has rows of its own.
with leads as (
    select * from {{ ref('int_leads_progressed') }}
),

counted as (
    {%- for breakdown, columns in breakdowns.items() %}
    select
        month,
        '{{ breakdown }}' as breakdown,
        {%- for column in ['channel', 'motion', 'campaign'] %}
        {{ column if column in columns else "'all'" }} as {{ column }},
        {%- endfor %}
        count(*) as leads,
        sum(is_considered) as considered,
        sum(is_trial) as trials,
        sum(is_trial_converted) as trials_converted,
        sum(is_converted) as converted,
        sum(is_lost) as lost,
        sum(1 - greatest(is_converted, is_lost)) as still_open,
        sum(is_mature) as mature_leads,
        {%- for step in steps %}
        median(days_to_{{ step }}) as median_days_to_{{ step }}{{ ',' if not loop.last }}
        {%- endfor %}
    from leads
    group by
        {{ (['month'] + columns) | join(', ') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        month,
        breakdown,
        channel,
        motion,
        campaign,
        cast(leads as bigint) as leads,
        cast(considered as bigint) as considered,
        cast(trials as bigint) as trials,
        cast(trials_converted as bigint) as trials_converted,
        cast(converted as bigint) as converted,
        cast(lost as bigint) as lost,
        cast(still_open as bigint) as still_open,
        cast({{ ratio('considered', 'leads') }} as decimal(18, 6)) as consideration_rate,
        cast({{ ratio('trials', 'considered') }} as decimal(18, 6)) as trial_rate,
        cast({{ ratio('trials_converted', 'trials') }} as decimal(18, 6)) as trial_conversion_rate,
        cast({{ ratio('converted', 'leads') }} as decimal(18, 6)) as conversion_rate,
        {{ wilson('converted', 'leads', 'low') }} as conversion_rate_low,
        {{ wilson('converted', 'leads', 'high') }} as conversion_rate_high,
        {%- for step in steps %}
        cast(median_days_to_{{ step }} as decimal(18, 1)) as median_days_to_{{ step }},
        {%- endfor %}
        leads < {{ small_sample_size() }} as is_small_sample,
        {{ days_between('last_day(month)', as_of_date()) }} >= {{ var('lead_maturity_days') }}
            as is_mature,
        cast(mature_leads as bigint) as mature_leads,
        last_day(month) <= {{ as_of_date() }} as is_complete
    from counted
)

select * from final
