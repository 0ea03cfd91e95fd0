"""Writes raw rows into a DuckDB file, as the gate would leave them: a table per contract table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

PROJECT_DIR = Path(__file__).resolve().parents[2]
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
SOURCES = DBT_PROJECT_DIR / "models" / "staging"
LOADER_COLUMNS = (("_file", "varchar"), ("_file_row", "bigint"), ("_loaded_at", "timestamp"))

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RawTable:
    """A table of the raw contract: `source.table`, its schema, its columns with their types."""

    name: str
    schema: str
    table: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]


@lru_cache(maxsize=1)
def raw_contract() -> dict[str, RawTable]:
    """All tables of the raw contract by `source.table`, read from the dbt sources.

    Those of control.db (`control.closes` and its like) are among them: dbt reads them too.
    """
    tables: dict[str, RawTable] = {}
    for path in sorted([*SOURCES.glob("*/_*__sources.yml"), SOURCES / "control/_control.yml"]):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                name = f"{source['name']}.{table['name']}"
                tables[name] = RawTable(
                    name=name,
                    schema=source.get("schema", source["name"]),
                    table=table["name"],
                    columns=tuple((c["name"], c["data_type"]) for c in table["columns"]),
                    key=tuple(table["config"]["meta"]["key"]),
                )
    return tables


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def write_raw_tables(
    database: Path,
    rows: Mapping[str, Iterable[Row]],
    loaded_at: datetime = datetime(2020, 1, 1),
) -> None:
    """Make all raw tables in a new DuckDB file and fill them.

    Args:
        database: the file; it must not exist yet.
        rows: rows by `source.table`; a column that a row leaves out is null. Values are text,
            whole numbers, decimals, booleans, dates, or naive datetimes in UTC.
        loaded_at: `_loaded_at` of the rows that do not say it themselves (`_loaded_at`).

    Raises:
        KeyError: a table or column that the contract does not know.
    """
    contract = raw_contract()
    unknown = set(rows) - set(contract)
    if unknown:
        raise KeyError(f"not in the raw contract: {sorted(unknown)}")
    connection = duckdb.connect(str(database))
    try:
        connection.execute("set TimeZone = 'UTC'")
        for schema in sorted({table.schema for table in contract.values()}):
            connection.execute(f"create schema {schema}")
        for table in contract.values():
            _write_table(connection, table, list(rows.get(table.name, ())), loaded_at)
    finally:
        connection.close()


def _write_table(
    connection: duckdb.DuckDBPyConnection, table: RawTable, rows: list[Row], loaded_at: datetime
) -> None:
    every_column = (*table.columns, *LOADER_COLUMNS)
    listed = ", ".join(f'"{name}" {kind}' for name, kind in every_column)
    connection.execute(f'create table {table.schema}."{table.table}" ({listed})')
    if not rows:
        return
    names = [name for name, _ in table.columns]
    unknown = {name for row in rows for name in row} - {*names, "_loaded_at"}
    if unknown:
        raise KeyError(f"{table.name} has no column {sorted(unknown)}")
    data: dict[str, list[str | None]] = {
        name: [_text(row.get(name)) for row in rows] for name in names
    }
    data["_file"] = [f"{table.name.replace('.', '/')}/test.csv"] * len(rows)
    data["_file_row"] = [str(position) for position in range(1, len(rows) + 1)]
    data["_loaded_at"] = [_text(row.get("_loaded_at", loaded_at)) for row in rows]
    connection.register(
        "given", pa.table({name: pa.array(column, pa.string()) for name, column in data.items()})
    )
    cast = ", ".join(f'cast("{name}" as {kind})' for name, kind in every_column)
    connection.execute(f'insert into {table.schema}."{table.table}" select {cast} from given')
    connection.unregister("given")
