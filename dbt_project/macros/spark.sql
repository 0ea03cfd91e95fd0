{# What dbt-spark does otherwise than we need it; nothing here is called by a model. #}

{# The types of a contract as Spark writes them. #}
{% macro spark_type(data_type) -%}
    {{ return({'varchar': 'string', 'varchar[]': 'array<string>'}.get(data_type, data_type)) }}
{%- endmacro %}

{% macro spark__get_empty_schema_sql(columns) -%}
    {%- set translated = {} -%}
    {%- for name in columns -%}
        {%- set column = dict(columns[name]) -%}
        {%- do column.update({'data_type': spark_type(column['data_type'])}) -%}
        {%- do translated.update({name: column}) -%}
    {%- endfor -%}
    {{ return(default__get_empty_schema_sql(translated)) }}
{%- endmacro %}

{#
    The rows of a model with a contract. Parquet tables have no constraints; a null where the
    contract has none stops the model here, as it does with DuckDB.
#}
{% macro spark__get_select_subquery(sql) -%}
    select
        {%- for name, column in model['columns'].items() %}
        {%- set quoted = adapter.quote(name) %}
        {%- if column.get('constraints', []) | selectattr('type', 'equalto', 'not_null') | list %}
        coalesce({{ quoted }}, raise_error('{{ model.name }}.{{ name }} may not be null'))
            as {{ quoted }}
        {%- else %}
        {{ quoted }}
        {%- endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as model_subq
{%- endmacro %}

{#
    Seeds, with their types as Spark writes them: one statement makes the table with its rows. Values
    go as text, which each column's cast reads exactly; an empty seed has a table without rows.
#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set sql -%}
        create table {{ this.render() }} (
            {%- for name in agate_table.column_names %}
            {{ adapter.quote(name) }}
            {{ spark_type(types.get(name, adapter.convert_type(agate_table, loop.index0))) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        )
        {{ file_format_clause() }}
    {%- endset -%}
    {%- if agate_table.rows | length == 0 -%}
        {%- call statement('_') -%}
            {{ sql }}
        {%- endcall -%}
    {%- endif -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set names = [] -%}
    {%- set marks = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- do names.append(adapter.quote(name)) -%}
        {%- do marks.append('%s') -%}
    {%- endfor -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(500) -%}
        {%- set bindings = [] -%}
        {%- for row in chunk -%}
            {%- for value in row -%}
                {%- do bindings.append(value if value is none else value | string) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set sql -%}
            {%- if loop.first %}
            create table {{ this.render() }} {{ file_format_clause() }} as
            {%- else %}
            insert into {{ this.render() }}
            {%- endif %}
            select
                {%- for name in agate_table.column_names %}
                cast({{ adapter.quote(name) }} as {{ spark_type(
                    types.get(name, adapter.convert_type(agate_table, loop.index0))
                ) }}) as {{ adapter.quote(name) }}
                {{- ',' if not loop.last }}
                {%- endfor %}
            from values
            {%- for row in chunk %}
                ({{ marks | join(', ') }})
                {{- ',' if not loop.last }}
            {%- endfor %}
                as landed ({{ names | join(', ') }})
        {%- endset -%}
        {%- do adapter.add_query(sql, bindings=bindings, abridge_sql_log=True) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements[0] if statements else '') }}
{%- endmacro %}
