with firings as (
    select * from {{ ref('int_trigger_firings_explained') }}
),

final as (
    select
        trigger_event_id,
        account_id,
        customer_id,
        trigger_key,
        cast(episode_number as integer) as episode_number,
        fired_date,
        held_from_date,
        cleared_date,
        cleared_date is null as is_open,
        severity,
        direction,
        owner_role,
        playbook_key,
        evidence,
        cast(mrr_at_firing as decimal(18, 4)) as mrr_at_firing
    from firings
)

select * from final
