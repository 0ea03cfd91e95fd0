-- Who is in an experiment, in which variant, and the days before and after that are compared
-- (docs/customer_success_rules.md 1). One row per experiment and account; an account whose customer
-- is in both variants is contaminated and has no variant.
with experiments as (
    select * from {{ ref('stg_success__experiments') }}
    where is_current
        and started_on <= {{ as_of_date() }}
),

assignments as (
    select * from {{ ref('stg_success__experiment_assignments') }}
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

assigned as (
    select
        assignments.experiment_id,
        assignments.account_id,
        coalesce(accounts.customer_id, assignments.account_id) as customer_id,
        min(assignments.variant) as first_variant,
        max(assignments.variant) as last_variant,
        min(assignments.assigned_date) as assigned_date
    from assignments
    left join accounts
        on assignments.account_id = accounts.account_id
    group by
        assignments.experiment_id,
        assignments.account_id,
        coalesce(accounts.customer_id, assignments.account_id)
),

-- Two accounts of one customer in different variants see both.
told_apart as (
    select
        *,
        min(first_variant) over same_customer <> max(last_variant) over same_customer
            as is_contaminated
    from assigned
    window same_customer as (partition by experiment_id, customer_id)
),

-- An open experiment is looked at as of the as-of date; its result is not final.
dated as (
    select
        told_apart.*,
        experiments.kpi,
        coalesce(nullif(greatest(experiments.pre_period_days, 0), 0), 28) as before_days,
        coalesce(nullif(greatest(experiments.post_period_days, 0), 0), 28) as after_days,
        greatest(experiments.started_on, told_apart.assigned_date) as treated_from_date,
        least(coalesce(experiments.ended_on, {{ as_of_date() }}), {{ as_of_date() }})
            as last_treated_date
    from told_apart
    inner join experiments
        on told_apart.experiment_id = experiments.experiment_id
        -- Who was assigned after the end was not treated.
        and told_apart.assigned_date <= coalesce(experiments.ended_on, {{ end_of_time() }})
),

final as (
    select
        experiment_id,
        account_id,
        customer_id,
        kpi,
        case when not is_contaminated then first_variant end as variant,
        is_contaminated,
        treated_from_date,
        before_days,
        after_days,
        {{ add_days('treated_from_date', '-before_days') }} as before_from_date,
        -- The last days of the treatment, or of what follows a short one; never days before it.
        greatest(
            {{ add_days('last_treated_date', '1 - after_days') }}, treated_from_date
        ) as after_from_date,
        {{ add_days(
            'greatest(' ~ add_days('last_treated_date', '1 - after_days') ~ ', treated_from_date)',
            'after_days'
        ) }} as after_to_date
    from dated
)

select * from final
