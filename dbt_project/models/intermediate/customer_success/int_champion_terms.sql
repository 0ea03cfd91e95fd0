-- From when to when an account has its champions, by the versions in force: a contact may get
-- another role or account, come back, or have its user activated again. One row per contact, user
-- and stretch; `change` is 1 where there is a champion, -1 where its user is deactivated.
with contact_versions as (
    select * from {{ ref('stg_crm__contacts') }}
    where valid_from_date < valid_to_date
),

user_versions as (
    select * from {{ ref('stg_product__users') }}
    where valid_from_date < valid_to_date
),

terms as (
    select
        account_id,
        contact_id,
        user_id,
        valid_from_date as from_date,
        least(
            valid_to_date,
            coalesce({{ local_date('left_company_at') }}, {{ end_of_time() }})
        ) as to_date
    from contact_versions
    where role = 'champion'
),

locked_out as (
    select
        user_id,
        greatest({{ local_date('deactivated_at') }}, valid_from_date) as from_date,
        valid_to_date as to_date
    from user_versions
    where deactivated_at is not null
),

without_users as (
    select
        terms.account_id,
        terms.contact_id,
        terms.user_id,
        greatest(terms.from_date, locked_out.from_date) as from_date,
        least(terms.to_date, locked_out.to_date) as to_date
    from terms
    inner join locked_out
        on terms.user_id = locked_out.user_id
),

final as (
    select account_id, contact_id, user_id, from_date, to_date, 1 as change
    from terms
    where from_date < to_date
    union all
    select account_id, contact_id, user_id, from_date, to_date, -1
    from without_users
    where from_date < to_date
)

select * from final
