"""Raw on the cluster: the views of `orchestration/landing/raw.py` over the same accepted files.

Files of one physical schema are one external table, whose types the gate knows: Spark would look
into a file for them whenever a query is planned. They are read where they lie, so every worker must
see the landing and home folders under the same path (or object-store address). What the run itself
writes into its build (books, row account, tables carried over from the last release) is small, and
goes over as Parquet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
#: Schema of the external tables, one for all files of a table that have the same physical types.
FILES_SCHEMA = "raw_files"
_GLOB = re.compile(r"([\\*?\[\]{}])")
#: ASCII that Java encodes in the path of a URI.
_ENCODED = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9/_\-!.~'()*,;:$&+=@])")
#: Parquet as Arrow describes it, and as Spark reads it.
_PHYSICAL = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal(20,0)",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "date32[day]": "date",
    "date64[ms]": "date",
    "timestamp[s]": "timestamp_ntz",
    "timestamp[ms]": "timestamp_ntz",
    "timestamp[us]": "timestamp_ntz",
}
_ZONED = re.compile(r"timestamp\[(s|ms|us), tz=.*\]")
_DECIMAL = re.compile(r"decimal(?:32|64|128|256)(\(\d+, \d+\))")
#: Whether files are read in place, their physical types, and the path that is read by itself.
_Group = tuple[bool, tuple[tuple[str, str], ...], str]


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
    cursor.execute(f"drop schema if exists `{FILES_SCHEMA}` cascade")
    cursor.execute(f"create schema `{FILES_SCHEMA}`")
    for source in contract.sources:
        cursor.execute(f"create schema if not exists `{source.schema}`")
        for table in source.tables:
            files = [
                file
                for file in accepted
                if (file.content.source, file.content.table) == (source.name, table.name)
            ]
            groups: dict[_Group, dict[Path, ledger.PresentFile]] = {}
            for file in files:
                path = location(file, settings)
                # Alternatives cannot be escaped; a path that looks like a pattern stands alone.
                alone = str(path) if _GLOB.search(str(path)) or "," in str(path) else ""
                key = (file.verdict.accepted_name is None, file.verdict.physical, alone)
                groups.setdefault(key, {})[path] = file
            parts = []
            for number, ((in_place, physical, _), places) in enumerate(groups.items()):
                name = f"`{FILES_SCHEMA}`.`{source.name}_{table.name}_{number}`"
                parts.append(_scan(cursor, name, table, dict(physical), places, in_place=in_place))
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
    # What an earlier run carried over is no version of this one.
    cursor.execute(f"drop schema if exists `{PREVIOUS_SCHEMA}` cascade")
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


def _scan(
    cursor: Any,
    name: str,
    table: Table,
    physical: Mapping[str, str],
    places: Mapping[Path, ledger.PresentFile],
    *,
    in_place: bool,
) -> str:
    """Make the external table of some files, and return the query of their rows."""
    landed = [column.name for column in table.columns if column.name in physical]
    declared = {column: _physical_type(physical[column]) for column in landed}
    if not in_place:
        declared["_file_row"] = "bigint"
    if None in declared.values():
        # A type that is rare in Parquet; Spark looks into the files, and says so if it cannot.
        types = ""
    else:
        types = f"({', '.join(f'`{column}` {kind}' for column, kind in declared.items())})"
    cursor.execute(
        f"create table {name} {types} using parquet location {_literal(_pattern(places))}"
    )
    columns = [f"{_expression(column, physical)} as `{column.name}`" for column in table.columns]
    row = "_row_index + 1" if in_place else "`_file_row`"
    columns += [
        "coalesce(_arrival.file, raise_error('a file that the gate does not know')) as _file",
        f"cast({row} as bigint) as _file_row",
        "_arrival.loaded_at as _loaded_at",
    ]
    return (
        f"select {', '.join(columns)} from (select *, _metadata.row_index as _row_index, "
        f"element_at({_arrivals(places)}, _metadata.file_path) as _arrival from {name})"
    )


def _arrivals(places: Mapping[Path, ledger.PresentFile]) -> str:
    """The name and time of arrival of each file, by the path that Spark says a row is from."""
    entries = []
    for path, file in places.items():
        loaded_at = f"cast('{file.verdict.loaded_at:%Y-%m-%d %H:%M:%S.%f}' as timestamp)"
        arrival = f"named_struct('file', {_literal(file.name)}, 'loaded_at', {loaded_at})"
        entries.append(f"{_literal(f'file:{_encoded(path)}')}, {arrival}")
    return f"map({', '.join(entries)})"


def _pattern(places: Iterable[Path]) -> str:
    """One location for some files: Hadoop's pattern of alternatives."""
    paths = [str(path) for path in places]
    if len(paths) == 1:
        return f"file://{_escaped(paths[0])}"
    return f"file:///{{{','.join(path.lstrip('/') for path in paths)}}}"


def _physical_type(arrow: str) -> str | None:
    decimal = _DECIMAL.fullmatch(arrow)
    if decimal:
        return f"decimal{decimal.group(1)}"
    return "timestamp" if _ZONED.fullmatch(arrow) else _PHYSICAL.get(arrow)


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
    """A Parquet file as a relation."""
    return f"parquet.`file:{_escaped(str(path)).replace('`', '``')}`"


def _escaped(path: str) -> str:
    """A path in which no character is a pattern to Hadoop."""
    return _GLOB.sub(r"\\\1", path)


def _encoded(path: Path) -> str:
    """A path as Java writes it in a URI: other characters than ASCII stay."""
    return _ENCODED.sub(lambda found: f"%{ord(found.group()):02X}", str(path))


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
