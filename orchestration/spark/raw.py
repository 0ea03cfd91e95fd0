"""Raw on the cluster: the views of `orchestration/landing/raw.py` over the same accepted files.

The files are read where they lie, so every worker must see the landing and home folders under the
same path (or object-store address). What the run itself writes into its build (books, row account,
tables carried over from the last release) is small, and goes over as Parquet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from orchestration.control import Control
from orchestration.landing import ledger
from orchestration.landing.contract import Column, Contract, Table
from orchestration.landing.raw import location
from orchestration.landing.report import FileState
from orchestration.settings import Settings

#: Schema of the tables that models kept in the last release (macro `previous_version`).
PREVIOUS_SCHEMA = "previous"
_GLOB = re.compile(r"([\\*?\[\]{}])")


def exchange_folder(settings: Settings) -> Path:
    """Folder that files pass through between the run and the cluster."""
    return settings.spark_dir / "exchange"


def create_raw_on_spark(
    cursor: Any,
    contract: Contract,
    control: Control,
    settings: Settings,
    build: duckdb.DuckDBPyConnection,
    exchange: Path,
) -> None:
    """Create or replace the raw views on the cluster, and hand over the tables of the build.

    Args:
        cursor: of a session on the cluster.
        contract: which tables there are.
        control: the control database, which knows the accepted files.
        settings: of the run.
        build: connection to the build file, with `create_raw` done.
        exchange: folder that every worker sees; what is handed over stays there for the run.

    Raises:
        LandingError: a file changed or went since the gate looked at it.
    """
    accepted = [
        file
        for file in ledger.present_files(control, settings.landing)
        if file.verdict.state is FileState.ACCEPTED and not file.is_duplicate
    ]
    for source in contract.sources:
        cursor.execute(f"create schema if not exists `{source.schema}`")
        for table in source.tables:
            files = [
                file
                for file in accepted
                if (file.content.source, file.content.table) == (source.name, table.name)
            ]
            parts = [_scan(table, file, location(file, settings)) for file in files]
            query = " union all ".join(parts) or _nothing(table)
            cursor.execute(f"create or replace view `{source.schema}`.`{table.name}` as {query}")
    hand_over(cursor, build, exchange)


def hand_over(cursor: Any, build: duckdb.DuckDBPyConnection, exchange: Path) -> None:
    """Show the tables of the build on the cluster, those carried over in schema `previous`."""
    tables = build.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and schema_name <> 'raw_files' order by all"
    ).fetchall()
    exchange.mkdir(parents=True, exist_ok=True)
    for schema in {PREVIOUS_SCHEMA, *(schema for schema, _ in tables)}:
        cursor.execute(f"create schema if not exists `{schema}`")
    for schema, table in tables:
        path = exchange / f"{schema}.{table}.parquet"
        pq.write_table(build.table(f'"{schema}"."{table}"').to_arrow_table(), path)
        target = PREVIOUS_SCHEMA if schema == "intermediate" else schema
        columns = ", ".join(
            f"cast(`{field.name}` as timestamp) as `{field.name}`"
            if str(field.type).startswith("timestamp")
            else f"`{field.name}`"
            for field in pq.read_schema(path)
        )
        cursor.execute(
            f"create or replace view `{target}`.`{table}` as select {columns} from {_file(path)}"
        )


def spark_type(data_type: str) -> str:
    """The Spark name of a type of the contract."""
    return "string" if data_type == "varchar" else data_type


def _scan(table: Table, file: ledger.PresentFile, path: Path) -> str:
    physical = dict(file.verdict.physical)
    columns = [f"{_expression(column, physical)} as `{column.name}`" for column in table.columns]
    in_place = file.verdict.accepted_name is None
    row = "_metadata.row_index + 1" if in_place else "`_file_row`"
    loaded_at = f"{file.verdict.loaded_at:%Y-%m-%d %H:%M:%S.%f}"
    columns += [
        f"{_literal(file.name)} as _file",
        f"cast({row} as bigint) as _file_row",
        f"cast('{loaded_at}' as timestamp) as _loaded_at",
    ]
    return f"select {', '.join(columns)} from {_file(path)}"


def _nothing(table: Table) -> str:
    nulls = [f"cast(null as {spark_type(c.data_type)}) as `{c.name}`" for c in table.columns]
    nulls += [
        "cast(null as string) as _file",
        "cast(null as bigint) as _file_row",
        "cast(null as timestamp) as _loaded_at",
    ]
    return f"select {', '.join(nulls)} where false"


def _expression(column: Column, physical: Mapping[str, str]) -> str:
    """The contract's value of a column of a file; null where the file has no such column."""
    data_type = spark_type(column.data_type)
    if column.name not in physical:
        return f"cast(null as {data_type})"
    return f"cast(`{column.name}` as {data_type})"


def _file(path: Path) -> str:
    """A Parquet file as a relation; characters that Hadoop takes for a pattern are escaped."""
    escaped = _GLOB.sub(r"\\\1", str(path)).replace("`", "``")
    return f"parquet.`file:{escaped}`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
