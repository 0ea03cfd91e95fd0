"""`quality.lineage`: where each raw row that a movement names was landed, file and row.

One row per landed row (every version of it) whose key is among the `source_ids` of
`revenue.fct_mrr_movements`. Written when a build is audited, out of the raw views, which leave
before the release.
"""

from __future__ import annotations

import duckdb

from orchestration.landing.contract import Contract, Table
from orchestration.warehouse import has_table

_TABLE = """
create table quality.lineage (
    source_id varchar not null,
    source varchar not null,
    table_name varchar not null,
    row_key varchar not null,
    version_at timestamp,
    file varchar not null,
    file_row bigint not null,
    loaded_at timestamp
)
"""


#: How ids name a row where it is not by the key in the order of the contract.
_KEYS = {("finance", "fx_rates"): ("currency", "rate_date")}


def write_lineage(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Write the table; returns its number of rows. None are there where nothing is named."""
    connection.execute("create schema if not exists quality")
    connection.execute("drop table if exists quality.lineage")
    connection.execute(_TABLE)
    if not has_table(connection, "revenue", "fct_mrr_movements"):
        return 0
    connection.execute(
        "create temp table named as"
        " select source_id from"
        " (select unnest(source_ids) as source_id from revenue.fct_mrr_movements)"
        " group by source_id"
    )
    named = connection.execute("select distinct split_part(source_id, '/', 1) from named")
    tables = {table for (table,) in named.fetchall()}
    for table in contract.tables:
        if f"{table.source}.{table.name}" in tables:
            connection.execute(
                f"insert into quality.lineage {_rows_of(table, contract.schema_of(table))}"
            )
    connection.execute("drop table named")
    counted = connection.execute("select count(*) from quality.lineage").fetchone()
    assert counted is not None
    return int(counted[0])


def _rows_of(table: Table, schema: str) -> str:
    """The landed rows of a table that are named, by id `<source>.<table>/<key>`."""
    columns = _KEYS.get((table.source, table.name), table.key)
    key = " || '/' || ".join(f'cast("{column}" as varchar)' for column in columns)
    version = f'"{table.version}"' if table.version else "cast(null as timestamp)"
    label = f"{table.source}.{table.name}"
    return (
        f"select '{label}/' || landed.row_key, '{table.source}', '{table.name}', landed.row_key,"
        " landed.version_at, landed._file, landed._file_row, landed._loaded_at from"
        f" (select {key} as row_key, {version} as version_at, _file, _file_row, _loaded_at"
        f' from {schema}."{table.name}") as landed'
        f" inner join named on named.source_id = '{label}/' || landed.row_key"
        " order by all"
    )
