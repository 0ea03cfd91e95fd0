-- The versions of those payments that landed several times; an exact duplicate of a row changes
-- nothing.
with landed as (
    select * from {{ ref('stg_billing__payments_landed') }}
),

repeated as (
    select payment_id
    from {{ ref('stg_billing__payments_landed') }}
    group by payment_id
    having count(*) > 1
),

several as (
    select landed.*
    from landed
    inner join repeated
        on landed.payment_id = repeated.payment_id
    group by all
),

final as (
    select
        *,
        {{ version_columns('payment_id') }}
    from several
    {{ version_window('payment_id', [
        'invoice_id', 'customer_id', 'payment_method_id', 'amount', 'currency',
        'status', 'failure_code', 'created_at'
    ]) }}
)

select * from final
