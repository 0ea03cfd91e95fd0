-- What a unit adds to every measure of a period (docs/retention_rules.md 2 and 3); losses are
-- negative. One row per policy, period and unit.
with ends as (
    select * from {{ ref('int_unit_period_ends') }}
),

policies as (
    select * from {{ ref('int_metric_policies_enabled') }}
),

compared as (
    select
        ends.*,
        policies.reactivation_in_nrr,
        case
            when ends.is_at_start and ends.is_at_end
                then ends.mrr_end - ends.mrr_start - ends.fx_mrr
            else 0
        end as own_change
    from ends
    inner join policies
        on ends.policy_id = policies.policy_id
),

moved as (
    select
        *,
        greatest(own_change, 0) as expansion_mrr,
        -- A unit cannot lose more than it began with; what is beyond is the exchange rate's.
        -least(greatest(-own_change, 0), mrr_start) as contraction_mrr,
        case when is_at_start and not is_at_end then -mrr_start else 0 end as churn_mrr,
        case when is_at_end and not is_at_start and first_arrival_type = 'reactivation'
            then mrr_end else 0 end as reactivation_mrr,
        reactivation_in_nrr
        and is_at_end
        and not is_at_base
        and coalesce(first_arrival_type_since_base = 'reactivation', false)
            as is_retained_by_reactivation
    from compared
),

final as (
    select
        policy_id,
        period_type,
        period_start,
        unit_id,
        case when is_at_start then 1 else 0 end as customers_start,
        case when is_at_end then 1 else 0 end as customers_end,
        case when is_at_end and not is_at_start then 1 else 0 end as customers_won,
        case when not is_at_start and not is_at_end and first_arrival_type is not null
            then 1 else 0 end as customers_won_and_lost,
        case when is_at_start and not is_at_end then 1 else 0 end as customers_lost_of_start,
        mrr_start,
        mrr_end,
        case when is_at_start then mrr_end else 0 end as mrr_end_of_start_customers,
        case when is_at_end and not is_at_start then mrr_end - reactivation_mrr else 0 end
            as new_mrr,
        reactivation_mrr,
        expansion_mrr,
        contraction_mrr,
        churn_mrr,
        case when last_churn_type = 'involuntary' then 0 else churn_mrr end
            as voluntary_churn_mrr,
        case when last_churn_type = 'involuntary' then churn_mrr else 0 end
            as involuntary_churn_mrr,
        case
            when is_at_start and is_at_end
                then mrr_end - mrr_start - expansion_mrr - contraction_mrr
            else 0
        end as fx_mrr,
        case when is_at_base then 1 else 0 end as retention_base_customers,
        mrr_base as retention_base_mrr,
        case when is_at_base then mrr_end else 0 end as mrr_end_of_base_customers,
        case when is_at_base or is_retained_by_reactivation then mrr_end else 0 end
            as retained_mrr,
        case when is_at_base then least(mrr_end, mrr_base) else 0 end as capped_mrr,
        -churn_mrr - contraction_mrr as lost_mrr,
        case when reactivation_in_nrr then reactivation_mrr else 0 end as counted_reactivation_mrr,
        case when is_at_base or is_retained_by_reactivation then 1 else 0 end
            as retention_units,
        case when is_at_start or (reactivation_in_nrr and reactivation_mrr > 0) then 1 else 0 end
            as churn_units
    from moved
)

select * from final
