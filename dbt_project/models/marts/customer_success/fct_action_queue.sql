with actions as (
    select * from {{ ref('int_actions') }}
),

-- What it saves: MRR × risk. Only open actions have a place in the queue.
placed as (
    select
        *,
        {{ to_cents('mrr_at_stake * risk') }} as mrr_at_risk,
        row_number() over (
            partition by state
            order by
                mrr_at_stake * risk desc, due_date, account_id, trigger_key, fired_date, step_number
        ) as place
    from actions
),

final as (
    select
        action_id,
        cast(case when state = 'open' then place end as bigint) as queue_position,
        state,
        state_reason,
        account_id,
        customer_id,
        account_name,
        trigger_event_id,
        trigger_key,
        direction,
        severity,
        evidence,
        playbook_key,
        step_number,
        channel,
        template,
        owner_role,
        owner,
        fired_date,
        due_date,
        state = 'open' and due_date < {{ as_of_date() }} as is_overdue,
        expires_date,
        cast(mrr_at_stake as decimal(18, 4)) as mrr_at_stake,
        risk,
        is_risk_measured,
        cast(mrr_at_risk as decimal(18, 4)) as mrr_at_risk,
        resolution_reasons,
        resolution_reason,
        is_known_reason,
        resolved_date,
        resolved_by
    from placed
)

select * from final
order by
    queue_position nulls last,
    fired_date desc,
    action_id
