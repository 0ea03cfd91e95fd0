with closes as (
    select * from {{ ref('stg_control__closes') }}
    where not is_requested
),

-- What can be set beside a close now: it is in force, the policy was closed and is still computed.
comparable as (
    select
        closes.close_id,
        closes.month,
        close_policies.policy_id
    from closes
    inner join {{ ref('stg_control__close_policies') }} as close_policies
        on closes.close_id = close_policies.close_id
    inner join {{ ref('int_metric_policies_enabled') }} as policies
        on close_policies.policy_id = policies.policy_id
    where closes.is_in_force
),

closed as (
    select * from {{ ref('fct_mrr_closed_periods') }}
),

earlier as (
    select * from {{ ref('stg_control__restatements') }}
),

run as (
    select * from {{ ref('stg_control__runs') }}
),

-- Per close, policy and customer: as closed, as restated by earlier releases, as it is now.
sides as (
    {%- for side, relation in [
        ('closed', ref('fct_mrr_closed_periods')), ('restated', ref('int_mrr_restated_sums')),
        ('current', ref('fct_mrr_by_customer_month')),
    ] %}
    select
        comparable.close_id,
        comparable.policy_id,
        side.customer_id,
        {%- for part in mrr_parts() %}
        {%- for column in ['closed', 'restated', 'current'] %}
        {{ 'side.' ~ part ~ '_mrr' if column == side else '0' }} as {{ part }}_{{ column }}
            {{- ',' if not (loop.last and part == 'closing') }}
        {%- endfor %}
        {%- endfor %}
    from comparable
    inner join {{ relation }} as side
        on comparable.policy_id = side.policy_id
        and {{ 'comparable.month = side.month' if side == 'current'
            else 'comparable.close_id = side.close_id' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cells as (
    select
        close_id,
        policy_id,
        customer_id,
        {%- for part in mrr_parts() %}
        sum({{ part }}_current - {{ part }}_closed - {{ part }}_restated) as {{ part }}_difference,
        {%- endfor %}
        sum(closing_current) as current_mrr
    from sides
    group by
        close_id,
        policy_id,
        customer_id
),

found as (
    select
        run.release_n,
        run.run_id,
        run.started_at as restated_at,
        cells.close_id,
        cells.policy_id,
        cells.customer_id,
        {%- for part in mrr_parts() %}
        cells.{{ part }}_difference,
        {%- endfor %}
        case
            when evidence.has_late_row then 'late_row'
            when evidence.close_id is not null then 'corrected_row'
            when rates.close_id is not null then 'rate_change'
            when changed_policies.policy_id is not null then 'definition_change'
            when run.is_code_changed then 'code_change'
            -- Nothing arrived and nothing was redefined: a row was withdrawn.
            else 'corrected_row'
        end as cause,
        coalesce(evidence.source_ids, rates.source_ids, {{ empty_list() }}) as source_ids
    from cells
    cross join run
    left join {{ ref('int_restatement_evidence') }} as evidence
        on cells.close_id = evidence.close_id
        and cells.policy_id = evidence.policy_id
        and cells.customer_id = evidence.customer_id
    left join {{ ref('int_restatement_rates') }} as rates
        on cells.close_id = rates.close_id
        and cells.policy_id = rates.policy_id
        and cells.customer_id = rates.customer_id
    left join {{ ref('stg_control__changed_policies') }} as changed_policies
        on cells.policy_id = changed_policies.policy_id
    where {% for part in mrr_parts() -%}
        {{ 'or ' if not loop.first }}cells.{{ part }}_difference <> 0
    {% endfor %}
),

every_one as (
    select * from found
    union all
    select
        release_n,
        run_id,
        restated_at,
        close_id,
        policy_id,
        customer_id,
        {%- for part in mrr_parts() %}
        {{ part }}_mrr,
        {%- endfor %}
        cause,
        source_ids
    from earlier
),

final as (
    select
        every_one.close_id || '/' || cast(every_one.release_n as {{ dbt.type_string() }}) || '/'
        || every_one.policy_id || '/' || every_one.customer_id as restatement_id,
        every_one.close_id,
        every_one.policy_id,
        every_one.customer_id,
        closes.month,
        cast(coalesce(closed.closing_mrr, 0) as decimal(18, 2)) as closed_mrr,
        cast(cells.current_mrr as decimal(18, 2)) as current_mrr,
        cast(every_one.closing_difference as decimal(18, 2)) as difference,
        every_one.cause,
        every_one.source_ids,
        {%- for part in mrr_parts()[:-1] %}
        cast(every_one.{{ part }}_difference as decimal(18, 2)) as {{ part }}_difference,
        {%- endfor %}
        every_one.release_n,
        every_one.run_id,
        every_one.restated_at,
        closes.is_in_force
    from every_one
    inner join closes
        on every_one.close_id = closes.close_id
    left join closed
        on every_one.close_id = closed.close_id
        and every_one.policy_id = closed.policy_id
        and every_one.customer_id = closed.customer_id
    left join cells
        on every_one.close_id = cells.close_id
        and every_one.policy_id = cells.policy_id
        and every_one.customer_id = cells.customer_id
)

select * from final
