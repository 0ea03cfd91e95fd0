{#
    One row per tier of a price's `tiers` text (a JSON list of {up_to, unit_amount, flat_amount}):
    a table expression with the text columns up_to, unit_amount, flat_amount.
#}
{% macro parsed_tiers(relation) -%}
    {{ return(adapter.dispatch('parsed_tiers', 'holdfast')(relation)) }}
{%- endmacro %}

{% macro duckdb__parsed_tiers(relation) -%}
    select
        price_id,
        price_version,
        currency,
        tier ->> '$.up_to' as up_to,
        tier ->> '$.unit_amount' as unit_amount,
        tier ->> '$.flat_amount' as flat_amount
    from (
        select
            price_id,
            price_version,
            currency,
            unnest(cast(json_extract(cast(tiers as json), '$[*]') as json[])) as tier
        from {{ relation }}
        where billing_scheme = 'tiered'
            and tiers is not null
    ) as listed
{%- endmacro %}

{% macro spark__parsed_tiers(relation) -%}
    select
        price_id,
        price_version,
        currency,
        tier.up_to,
        tier.unit_amount,
        tier.flat_amount
    from {{ relation }}
    lateral view explode(
        from_json(tiers, 'array<struct<up_to:string,unit_amount:string,flat_amount:string>>')
    ) listed as tier
    where billing_scheme = 'tiered'
        and tiers is not null
{%- endmacro %}
