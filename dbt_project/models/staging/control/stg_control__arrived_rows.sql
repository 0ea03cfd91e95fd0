{#-
    What of each table can move MRR: `forward` columns from a version's own date on, `back` columns
    also before it, because the current version says them of all of an object's life
    (docs/mrr_rules.md 2 to 4). Renewals, names and e-mail addresses are in neither.
-#}
{%- set tables = [
    {
        'source': 'billing', 'table': 'subscriptions', 'subscription_id': 'id',
        'customer_id': 'customer_id', 'created': 'created', 'speaks_from': 'start_date',
        'forward': ['status'],
        'back': [
            'customer_id', 'start_date', 'trial_start', 'trial_end', 'canceled_at', 'ended_at',
            'cancellation_reason', 'collection_paused_at', 'collection_resumes_at', 'created',
        ],
    },
    {
        'source': 'billing', 'table': 'subscription_items', 'subscription_id': 'subscription_id',
        'created': 'created', 'speaks_from': 'created',
        'forward': ['price_id', 'quantity', 'deleted'], 'back': ['subscription_id', 'created'],
    },
    {
        'source': 'billing', 'table': 'discounts', 'subscription_id': 'subscription_id',
        'customer_id': 'customer_id', 'created': 'start_at', 'speaks_from': 'start_at',
        'forward': ['percent_off', 'amount_off', 'currency'],
        'back': [
            'customer_id', 'subscription_id', 'duration', 'duration_in_months', 'start_at', 'end_at'
        ],
    },
    {
        'source': 'billing', 'table': 'prices', 'price_id': 'id', 'created': 'created',
        'speaks_from': 'created',
        'forward': [
            'unit_amount', 'billing_scheme', 'tiers', 'tiers_mode', 'interval', 'interval_count',
            'currency',
        ],
        'back': ['type', 'usage_type', 'created'],
    },
    {
        'source': 'billing', 'table': 'customers', 'customer_id': 'id', 'created': 'created',
        'speaks_from': 'created', 'forward': ['deleted'], 'back': ['created'],
    },
    {
        'source': 'billing', 'table': 'invoices', 'invoice_id': 'id', 'customer_id': 'customer_id',
        'subscription_id': 'subscription_id', 'created': 'created', 'speaks_from': 'created',
        'forward': [],
        'back': [
            "case when status in ('draft', 'void') then status else 'issued' end", 'currency',
            'created', 'customer_id', 'subscription_id',
        ],
    },
    {
        'source': 'billing', 'table': 'invoice_line_items', 'invoice_id': 'invoice_id',
        'subscription_id': 'subscription_id', 'speaks_from': 'period_start', 'forward': [],
        'back': [
            'invoice_id', 'subscription_id', 'subscription_item_id', 'price_id', 'type', 'amount',
            'discount_amount', 'currency', 'quantity', 'proration', 'period_start', 'period_end',
        ],
    },
    {
        'source': 'billing', 'table': 'invoices', 'invoice_id': 'id', 'customer_id': 'customer_id',
        'subscription_id': 'subscription_id', 'created': 'created', 'speaks_from': 'created',
        'forward': [], 'back': ['status'], 'is_about_payment': true,
    },
    {
        'source': 'billing', 'table': 'payments', 'payment_id': 'id', 'invoice_id': 'invoice_id',
        'customer_id': 'customer_id', 'created': 'created', 'speaks_from': 'created',
        'forward': [], 'back': ['invoice_id', 'customer_id', 'status', 'created'],
        'is_about_payment': true,
    },
    {
        'source': 'billing', 'table': 'refunds', 'payment_id': 'payment_id', 'created': 'created',
        'speaks_from': 'created', 'forward': [],
        'back': ['payment_id', 'amount', 'currency', 'status', 'created'],
        'is_about_payment': true,
    },
    {
        'source': 'crm', 'table': 'accounts', 'customer_id': 'billing_customer_id',
        'speaks_from': 'founded_on', 'forward': [],
        'back': ['billing_customer_id', 'parent_account_id'],
    },
] -%}
{%- set links = ['customer_id', 'subscription_id', 'invoice_id', 'payment_id', 'price_id'] -%}

-- Raw rows that say something of MRR which the last release did not know: loaded after it, or dated
-- after its as-of date. One row per version of an object; empty while no month is closed.
with closes as (
    select count(*) as close_count
    from {{ source('control', 'closes') }}
    where not is_requested
),

run as (
    select
        coalesce(
            previous_published_at, cast('0001-01-01 00:00:00' as timestamp)
        ) as previous_published_at,
        coalesce(previous_as_of, {{ start_of_time() }}) as previous_as_of
    from {{ source('control', 'run') }}
    cross join closes
    where closes.close_count > 0
),

landed as (
    {%- for table in tables %}
    select
        '{{ table.source }}.{{ table.table }}/' || id as source_id,
        {%- for link in links %}
        {{ table[link] if link in table else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
            as {{ link }},
        {%- endfor %}
        coalesce(
            {{ without_sentinel('updated_at') }},
            {%- if 'created' in table %}
            {{ without_sentinel(table.created) }},
            {%- endif %}
            cast('1970-01-01 00:00:00' as timestamp)
        ) as version_at,
        cast({{ table.speaks_from }} as date) as speaks_from_date,
        {{ 'true' if table.is_about_payment else 'false' }} as is_about_payment,
        {{ said(table.back) }} as says_of_all_time,
        {{ said(table.forward) }} as says_from_now_on,
        _loaded_at as loaded_at
    from {{ source(table.source, table.table) }}
    where {{ was_known() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A row that landed once more says nothing new.
versions as (
    select
        landed.source_id,
        landed.customer_id,
        landed.subscription_id,
        landed.invoice_id,
        landed.payment_id,
        landed.price_id,
        landed.version_at,
        {{ local_date('landed.version_at') }} as version_date,
        landed.speaks_from_date,
        landed.is_about_payment,
        landed.says_of_all_time,
        landed.says_from_now_on,
        min(
            case
                when landed.loaded_at > run.previous_published_at
                    or {{ local_date('landed.version_at') }} > run.previous_as_of then 1
                else 0
            end
        ) as is_new
    from landed
    cross join run
    where {{ local_date('landed.version_at') }} <= {{ as_of_date() }}
    group by all
),

compared as (
    select
        *,
        min(is_new) over (partition by source_id, is_about_payment) = 0 as is_known_object,
        min(is_new) over (partition by source_id, is_about_payment, version_at) = 0
            as is_known_version,
        -- What was said last, as far as was known.
        max(case when is_new = 0 then version_at end) over (
            partition by source_id, is_about_payment
        ) as last_known_at
    from versions
),

last_known as (
    select
        source_id,
        is_about_payment,
        max(says_of_all_time) as says_of_all_time
    from compared
    where is_new = 0
        and version_at = last_known_at
    group by
        source_id,
        is_about_payment
),

final as (
    select
        compared.source_id,
        compared.customer_id,
        compared.subscription_id,
        compared.invoice_id,
        compared.payment_id,
        compared.price_id,
        compared.version_date,
        compared.speaks_from_date,
        compared.is_about_payment,
        compared.is_known_object,
        compared.is_known_version,
        coalesce(compared.says_of_all_time <> last_known.says_of_all_time, false)
            as rewrites_the_past
    from compared
    left join last_known
        on compared.source_id = last_known.source_id
        and compared.is_about_payment = last_known.is_about_payment
    where compared.is_new = 1
)

select * from final
