-- Firings with what set them off and what is at stake. One row per trigger, account and firing.
with firings as (
    select * from {{ ref('int_trigger_firings') }}
),

triggers as (
    select * from {{ ref('int_triggers') }}
),

conditions as (
    select * from {{ ref('int_trigger_conditions') }}
),

signals as (
    select * from {{ ref('signals') }}
),

intervals as (
    select * from {{ ref('int_signal_intervals') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

mrr_intervals as (
    select * from {{ ref('int_customer_mrr_intervals') }}
),

texts as (
    select
        firings.trigger_key,
        firings.account_id,
        firings.fired_date,
        conditions.condition_number,
        -- That something is not the case is no evidence to show.
        case
            when signals.unit <> 'flag' or intervals.value <> 0
                then {{ filled_evidence('signals.evidence', 'firings.fired_date', 'intervals') }}
        end as evidence
    from firings
    inner join conditions
        on firings.trigger_key = conditions.trigger_key
        and firings.valid_from = conditions.valid_from
    inner join signals
        on conditions.signal = signals.signal
    inner join intervals
        on firings.account_id = intervals.account_id
        and conditions.signal = intervals.signal
        and firings.fired_date >= intervals.from_date
        and firings.fired_date < intervals.to_date
),

evidence as (
    select
        trigger_key,
        account_id,
        fired_date,
        {{ joined_text('evidence', '; ', 'condition_number') }} as evidence
    from texts
    group by
        trigger_key,
        account_id,
        fired_date
),

final as (
    select
        md5(
            firings.account_id || '|' || firings.trigger_key || '|'
            || cast(firings.fired_date as {{ dbt.type_string() }})
        ) as trigger_event_id,
        firings.account_id,
        accounts.customer_id,
        firings.trigger_key,
        firings.episode_number,
        firings.fired_date,
        firings.held_from_date,
        firings.cleared_date,
        triggers.severity,
        triggers.direction,
        triggers.owner_role,
        triggers.playbook_key,
        evidence.evidence,
        coalesce(mrr_intervals.mrr, 0) as mrr_at_firing
    from firings
    inner join triggers
        on firings.trigger_key = triggers.trigger_key
        and firings.valid_from = triggers.valid_from
    inner join accounts
        on firings.account_id = accounts.account_id
    left join evidence
        on firings.trigger_key = evidence.trigger_key
        and firings.account_id = evidence.account_id
        and firings.fired_date = evidence.fired_date
    left join mrr_intervals
        on accounts.customer_id = mrr_intervals.customer_id
        and firings.fired_date >= mrr_intervals.from_date
        and firings.fired_date < mrr_intervals.to_date
)

select * from final
