with source as (
    select *
    from {{ source('success', 'experiment_assignments') }}
    where {{ was_known() }}
),

-- One row per experiment, account and variant: an account that landed in both is no duplicate to
-- drop but the contamination that has to be counted (docs/customer_success_rules.md 1).
final as (
    select
        -- ids
        experiment_id,
        account_id,
        -- strings
        variant,
        -- dates
        min(assigned_at) as assigned_at,
        min({{ local_date('assigned_at') }}) as assigned_date
    from source
    where {{ local_date('assigned_at') }} <= {{ as_of_date() }}
    group by
        experiment_id,
        account_id,
        variant
)

select * from final
