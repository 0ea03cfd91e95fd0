-- The actions that follow from firings: one for each step of the trigger's playbook, with its
-- owner, due date and state (docs/signal_rules.md 6). One row per action.
with firings as (
    select * from {{ ref('int_trigger_firings_explained') }}
),

playbooks as (
    select * from {{ ref('playbooks') }}
),

owners as (
    select * from {{ ref('owners') }}
),

risks as (
    select * from {{ ref('int_trigger_risks') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
    where is_current
),

in_service as (
    select account_id
    from {{ ref('int_account_service') }}
    where from_date <= {{ as_of_date() }}
        and to_date > {{ as_of_date() }}
),

outcomes as (
    select * from {{ ref('stg_crm__action_outcomes') }}
    where is_current
        and {{ local_date('resolved_at') }} <= {{ as_of_date() }}
),

planned as (
    select
        md5(
            firings.trigger_event_id || '|' || playbooks.playbook_key || '|'
            || cast(playbooks.step_number as {{ dbt.type_string() }})
        ) as action_id,
        firings.*,
        playbooks.step_number,
        playbooks.channel,
        playbooks.template,
        playbooks.resolution_reasons,
        {{ add_days('firings.fired_date', 'playbooks.due_in_days') }} as due_date,
        {{ add_days('firings.fired_date', 'playbooks.expires_after_days') }} as expires_date,
        case
            when owners.uses_account_owner then coalesce(accounts.owner_id, owners.owner)
            else owners.owner
        end as owner,
        accounts.account_name,
        coalesce(accounts.current_mrr, 0) as mrr_at_stake,
        risks.risk,
        risks.is_measured as is_risk_measured,
        triggers.is_in_service_only and in_service.account_id is null as has_left
    from firings
    inner join playbooks
        on firings.playbook_key = playbooks.playbook_key
    inner join owners
        on firings.owner_role = owners.owner_role
    inner join risks
        on firings.trigger_key = risks.trigger_key
    inner join triggers
        on firings.trigger_key = triggers.trigger_key
    inner join accounts
        on firings.account_id = accounts.account_id
    left join in_service
        on firings.account_id = in_service.account_id
),

final as (
    select
        planned.*,
        outcomes.resolution_reason,
        outcomes.resolved_by,
        {{ local_date('outcomes.resolved_at') }} as resolved_date,
        case
            when outcomes.action_id is not null then 'resolved'
            when planned.has_left
                or planned.cleared_date <= {{ as_of_date() }}
                or planned.expires_date < {{ as_of_date() }} then 'expired'
            else 'open'
        end as state,
        case
            when outcomes.action_id is not null then outcomes.resolution_reason
            when planned.has_left then 'account_left'
            when planned.cleared_date <= {{ as_of_date() }} then 'cleared'
            when planned.expires_date < {{ as_of_date() }} then 'too_late'
        end as state_reason,
        '|' || planned.resolution_reasons || '|'
        like '%|' || outcomes.resolution_reason || '|%' as is_known_reason
    from planned
    left join outcomes
        on planned.action_id = outcomes.action_id
)

select * from final
