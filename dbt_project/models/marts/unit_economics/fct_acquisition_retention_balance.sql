with months as (
    select * from {{ ref('int_unit_economics_months') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

purposes as (
    select * from {{ ref('spend_purposes') }}
),

bookings as (
    select * from {{ ref('int_spend_converted') }}
),

unit_months as (
    select * from {{ ref('int_unit_months') }}
),

margins as (
    select * from {{ ref('int_gross_margins') }}
),

-- A month without any booking of a kind says nothing: null, not 0.
spend as (
    select
        bookings.spend_month as month,
        sum(case when purposes.purpose = 'acquisition' then bookings.amount end)
            as acquisition_spend,
        sum(case when purposes.purpose = 'retention' then bookings.amount end) as retention_spend
    from bookings
    inner join purposes
        on bookings.category = purposes.category
    group by bookings.spend_month
),

sums as (
    select
        policy_id,
        month,
        sum(opening_mrr) as opening_mrr,
        sum(new_mrr) as new_mrr,
        sum(reactivation_mrr) as reactivation_mrr,
        sum(expansion_mrr) as expansion_mrr,
        -- What is left of each customer's opening, exchange rates aside.
        sum(
            case
                when closing_units = 0 then 0
                else least(opening_mrr, greatest(closing_mrr - fx_mrr, 0))
            end
        ) as retained_mrr,
        sum(closing_mrr) as closing_mrr
    from unit_months
    group by
        policy_id,
        month
),

joined as (
    select
        policies.policy_id,
        months.month,
        months.is_complete,
        spend.acquisition_spend,
        spend.retention_spend,
        coalesce(sums.opening_mrr, 0) as opening_mrr,
        coalesce(sums.new_mrr, 0) as new_mrr,
        coalesce(sums.reactivation_mrr, 0) as reactivation_mrr,
        coalesce(sums.expansion_mrr, 0) as expansion_mrr,
        coalesce(sums.retained_mrr, 0) as retained_mrr,
        coalesce(sums.closing_mrr, 0) as closing_mrr,
        margins.gross_margin
    from policies
    cross join months
    left join spend
        on months.month = spend.month
    left join sums
        on policies.policy_id = sums.policy_id
        and months.month = sums.month
    left join margins
        on policies.policy_id = margins.policy_id
        and months.month = margins.month
),

rated as (
    select
        *,
        {{ ratio('retained_mrr', 'opening_mrr') }} as retention_rate
    from joined
),

pointed as (
    select
        *,
        least(retention_rate + cast(0.01 as decimal(8, 6)), 1) - retention_rate as point_gained
    from rated
),

-- Twelve months of today's MRR at the month's retention, and at one point more (at most 100 %).
valued as (
    select
        *,
        {{ sum_of_twelve_powers('retention_rate') }} as months_at_rate,
        {{ sum_of_twelve_powers('retention_rate + point_gained') }}
            as months_at_point_more
    from pointed
),

final as (
    select
        policy_id,
        month,
        cast(acquisition_spend as decimal(18, 2)) as acquisition_spend,
        cast(retention_spend as decimal(18, 2)) as retention_spend,
        {{ ratio('acquisition_spend', '(acquisition_spend + retention_spend)') }}
            as acquisition_spend_share,
        cast(new_mrr as decimal(18, 2)) as new_mrr,
        cast(opening_mrr as decimal(18, 2)) as opening_mrr,
        cast(retained_mrr as decimal(18, 2)) as retained_mrr,
        cast(expansion_mrr as decimal(18, 2)) as expansion_mrr,
        cast(reactivation_mrr as decimal(18, 2)) as reactivation_mrr,
        cast(closing_mrr as decimal(18, 2)) as closing_mrr,
        {{ ratio('new_mrr', 'acquisition_spend') }} as new_mrr_per_acquisition_spend,
        {{ ratio('(retained_mrr + expansion_mrr)', 'retention_spend') }}
            as kept_mrr_per_retention_spend,
        cast(gross_margin as decimal(18, 6)) as gross_margin,
        cast(retention_rate as decimal(18, 6)) as retention_rate,
        cast(point_gained as decimal(18, 6)) as retention_point_gained,
        cast(
            round(closing_mrr * (months_at_point_more - months_at_rate), 2) as decimal(18, 2)
        ) as retention_point_revenue_12m,
        cast(
            round(
                cast(round(closing_mrr * (months_at_point_more - months_at_rate), 6)
                    as decimal(22, 6)) * cast(gross_margin as decimal(18, 6)), 2
            ) as decimal(18, 2)
        ) as retention_point_margin_12m,
        case
            when opening_mrr = 0 then 'no_customers_at_start'
            when point_gained = 0 then 'nothing_lost'
        end as reason,
        is_complete
    from valued
)

select * from final
