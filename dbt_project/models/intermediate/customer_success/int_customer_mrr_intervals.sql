-- The MRR of a customer under the official policy. One row per customer and stretch
-- [from_date, to_date) of one MRR; none before the first.
with series as (
    select * from {{ ref('int_unit_mrr_changes') }}
    where policy_id = '{{ var("official_policy") }}'
),

unit_customers as (
    select * from {{ ref('int_unit_customers') }}
    where policy_id = '{{ var("official_policy") }}'
),

changes as (
    select
        unit_customers.customer_id,
        series.change_date,
        series.mrr_after - coalesce(
            lag(series.mrr_after) over (
                partition by unit_customers.customer_id, series.unit_id
                order by series.change_date
            ), 0
        ) as change
    from series
    inner join unit_customers
        on series.unit_id = unit_customers.unit_id
),

final as (
    select
        customer_id,
        from_date,
        to_date,
        cast(level as decimal(18, 4)) as mrr
    from ({{ swept_levels('changes', ['customer_id']) }}) as levels
)

select * from final
