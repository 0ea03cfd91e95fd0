{# Whether a subject (customer, contact or user) may be on a list: seed outreach_opt_outs. #}
{% macro may_be_on_list(list_key, subject_type, subject_id) -%}
    not exists (
        select 1
        from {{ ref('int_opt_outs') }} as opt_outs
        where opt_outs.subject_type = '{{ subject_type }}'
            and opt_outs.subject_id = {{ subject_id }}
            and opt_outs.list_key in ({{ list_key }}, 'all')
    )
{%- endmacro %}

{# The rules of a list (seed list_rules) as one row: a column per rule. #}
{% macro list_rules(list_key, rules) -%}
    select
        {%- for rule in rules %}
        max(case when rule = '{{ rule }}' then value end) as {{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('list_rules') }}
    where list_key = '{{ list_key }}'
{%- endmacro %}
