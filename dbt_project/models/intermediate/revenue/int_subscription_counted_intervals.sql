-- Stretches on which a subscription counts, per variant (docs/mrr_rules.md 2).
with timeline as (
    select * from {{ ref('int_subscription_timeline') }}
),

variants as (
    select * from {{ ref('int_mrr_variants') }}
),

counted as (
    select
        variants.variant_id,
        timeline.subscription_id,
        timeline.customer_id,
        timeline.from_date,
        case
            when timeline.state = 'past_due' and variants.past_due_grace_days is not null
                then least(
                    timeline.to_date,
                    {{ add_days('timeline.past_due_since_date', 'variants.past_due_grace_days') }}
                )
            else timeline.to_date
        end as to_date
    from timeline
    inner join variants
        on not case variants.churn_at
            when 'requested' then timeline.is_out_requested
            when 'paid_period_end' then timeline.is_out_paid_period_end
            else timeline.is_out_service_end
        end
        and case timeline.state
            when 'active' then variants.counts_active
            when 'trialing' then variants.counts_trialing
            when 'past_due' then variants.counts_past_due
            when 'unpaid' then variants.counts_unpaid
            when 'paused' then variants.counts_paused
            else false
        end
),

-- Stretches that touch are one.
marked as (
    select
        *,
        case
            when from_date = lag(to_date) over (
                partition by variant_id, subscription_id order by from_date
            ) then 0
            else 1
        end as is_new_island
    from counted
    where from_date < to_date
),

islands as (
    select
        *,
        sum(is_new_island) over (
            partition by variant_id, subscription_id order by from_date
        ) as island_number
    from marked
),

final as (
    select
        variant_id,
        subscription_id,
        customer_id,
        min(from_date) as from_date,
        max(to_date) as to_date
    from islands
    group by
        variant_id,
        subscription_id,
        customer_id,
        island_number
)

select * from final
