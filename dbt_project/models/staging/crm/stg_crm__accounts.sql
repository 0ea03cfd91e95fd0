with source as (
    select *
    from {{ source('crm', 'accounts') }}
    where {{ was_known() }}
),

-- An exact duplicate of a row changes nothing.
typed as (
    select
        -- ids
        id as account_id,
        billing_customer_id,
        parent_account_id,
        owner_id,
        -- strings
        name as account_name,
        segment,
        industry,
        country,
        -- dates
        founded_on,
        -- version
        coalesce(
            {{ without_sentinel('updated_at') }},
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at
    from source
    group by all
),

dated as (
    select
        *,
        {{ local_date('version_at') }} as version_date
    from typed
),

-- What is dated after the as-of date is not known yet (metrics.md 1).
versioned as (
    select
        *,
        {{ version_columns('account_id') }}
    from dated
    where version_date <= {{ as_of_date() }}
    {{ version_window('account_id', [
        'billing_customer_id', 'parent_account_id', 'account_name', 'segment',
        'industry', 'country', 'owner_id', 'founded_on'
    ]) }}
),

final as (
    select
        account_id,
        billing_customer_id,
        parent_account_id,
        owner_id,
        account_name,
        segment,
        industry,
        country,
        founded_on,
        version_number,
        valid_from,
        valid_to,
        valid_from_date,
        valid_to_date,
        is_current
    from versioned
)

select * from final
