"""Raw: a view for every table of the contract over the accepted files, and the gate's books.

`raw_<source>.<table>` has the columns of the contract in order and type, then `_file` (relative to
the landing folder), `_file_row` (data record from 1), `_loaded_at` (naive UTC). A table without
files is an empty view. The views read files by absolute path, so they are for the build alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.control import Control
from orchestration.errors import LandingError
from orchestration.failpoints import failpoint
from orchestration.landing import ledger
from orchestration.landing.contract import Column, Contract, Table
from orchestration.landing.files import stamp_of
from orchestration.landing.quarantine import as_table, mark_corrected, rows_in_quarantine
from orchestration.landing.report import FileState
from orchestration.settings import Settings

LOCATIONS_SCHEMA = "raw_files"
_Physical = tuple[tuple[str, str], ...]


def create_raw(
    connection: duckdb.DuckDBPyConnection, contract: Contract, control: Control, settings: Settings
) -> None:
    """Create or replace the raw views, `quality.load_log` and `quality.quarantine`.

    They show the landing folder as the last run of the gate found it.

    Raises:
        LandingError: a file changed or went since the gate looked at it.
    """
    present = ledger.present_files(control, settings.landing)
    accepted = [
        file
        for file in present
        if file.verdict.state is FileState.ACCEPTED and not file.is_duplicate
    ]
    locations = {file.name: location(file, settings) for file in accepted}
    connection.execute("begin")
    try:
        _create_locations(connection, accepted, locations)
        for source in contract.sources:
            connection.execute(f"create schema if not exists {_name(source.schema)}")
            for table in source.tables:
                files = [
                    file
                    for file in accepted
                    if (file.content.source, file.content.table) == (source.name, table.name)
                ]
                connection.execute(
                    f"create or replace view {_name(source.schema)}.{_name(table.name)} as "
                    + _view(table, files, locations)
                )
        mark_corrected(connection, contract, control, settings.landing)
        _create_books(connection, contract, present, control, settings)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    failpoint("raw.created")


def location(file: ledger.PresentFile, settings: Settings) -> Path:
    """Where the rows of a file are read from."""
    if file.verdict.accepted_name is not None:
        return settings.accepted_dir / file.verdict.accepted_name
    path = settings.landing / file.name
    try:
        is_same = stamp_of(path) == file.stamp
    except OSError:
        is_same = False
    if not is_same:
        raise LandingError(
            f"{file.name} changed or went after the gate had looked at it. Landed files are never "
            "changed: land it again under a new name, and run again."
        )
    return path


def _create_locations(
    connection: duckdb.DuckDBPyConnection,
    accepted: list[ledger.PresentFile],
    locations: Mapping[str, Path],
) -> None:
    rows = pa.table(
        {
            "location": pa.array([str(locations[file.name]) for file in accepted], pa.string()),
            "file": pa.array([file.name for file in accepted], pa.string()),
            "loaded_at": pa.array(
                [file.verdict.loaded_at for file in accepted], pa.timestamp("us")
            ),
        }
    )
    _create_table(connection, LOCATIONS_SCHEMA, "locations", rows)


def _view(table: Table, files: list[ledger.PresentFile], locations: Mapping[str, Path]) -> str:
    """The query of a view: files of one physical schema are read by one scan."""
    if not files:
        nulls = [f"cast(null as {c.data_type}) as {_name(c.name)}" for c in table.columns]
        nulls += [
            "cast(null as varchar) as _file",
            "cast(null as bigint) as _file_row",
            "cast(null as timestamp) as _loaded_at",
        ]
        return f"select {', '.join(nulls)} where false"
    groups: dict[tuple[bool, _Physical], list[str]] = {}
    for file in files:
        key = (file.verdict.accepted_name is None, file.verdict.physical)
        groups.setdefault(key, []).append(str(locations[file.name]))
    return " union all ".join(
        _scan(table, physical, paths, in_place=in_place)
        for (in_place, physical), paths in groups.items()
    )


def _scan(table: Table, physical: _Physical, paths: Iterable[str], *, in_place: bool) -> str:
    types = dict(physical)
    columns = [f"{_expression(c, types.get(c.name))} as {_name(c.name)}" for c in table.columns]
    row = "landed.file_row_number + 1" if in_place else 'landed."_file_row"'
    columns += [
        "locations.file as _file",
        f"cast({row} as bigint) as _file_row",
        "locations.loaded_at as _loaded_at",
    ]
    listed = ", ".join(_literal(_escape_glob(path)) for path in paths)
    return (
        f"select {', '.join(columns)} from read_parquet([{listed}], filename = '_location', "
        f"file_row_number = {str(in_place).lower()}, hive_partitioning = false) as landed "
        f"join {LOCATIONS_SCHEMA}.locations as locations on locations.location = landed._location"
    )


def _expression(column: Column, physical: str | None) -> str:
    """The contract's value of a column of a file; null where the file has no such column."""
    if physical is None:
        return f"cast(null as {column.data_type})"
    name = f"landed.{_name(column.name)}"
    if column.data_type == "timestamp" and "tz=" in physical:
        # The instant in UTC, whatever the time zone of the session.
        name = f"timezone('UTC', {name})"
    return f"cast({name} as {column.data_type})"


def _create_books(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    present: list[ledger.PresentFile],
    control: Control,
    settings: Settings,
) -> None:
    """What came in and what was set aside, for everybody who reads the warehouse.

    Of each file: received = accepted + superseded + quarantined. Superseded rows count for nothing
    more: copies of a row that is there, whole files of them, and, where a table has no versions,
    rows whose key another row stands for.
    """
    superseded = superseded_rows(connection, contract)
    books = []
    for file in present:
        verdict = file.verdict
        is_copy = file.is_duplicate and verdict.state is FileState.ACCEPTED
        extra = superseded.get(file.name, 0)
        accepted, quarantined = verdict.rows_accepted - extra, verdict.rows_quarantined
        if is_copy:
            accepted, extra, quarantined = 0, verdict.rows_received, 0
        books.append(
            {
                "source": file.content.source,
                "table_name": file.content.table,
                "file": file.name,
                "sha256": file.content.sha256,
                "rows_received": verdict.rows_received,
                "rows_accepted": accepted,
                "rows_superseded": extra,
                "rows_quarantined": quarantined,
                "loaded_at": verdict.loaded_at,
                "state": str(FileState.DUPLICATE if is_copy else verdict.state),
            }
        )
    _create_table(connection, "quality", "load_log", pa.Table.from_pylist(books, _LOAD_LOG))
    in_quarantine = rows_in_quarantine(control, settings.landing)
    _create_table(connection, "quality", "quarantine", as_table(in_quarantine))


_LOAD_LOG = pa.schema(
    [
        *((name, pa.string()) for name in ("source", "table_name", "file", "sha256")),
        *((f"rows_{n}", pa.int64()) for n in ("received", "accepted", "superseded", "quarantined")),
        ("loaded_at", pa.timestamp("us")),
        ("state", pa.string()),
    ]
)


def superseded_rows(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """Rows by file that count for nothing more, because another row says the same.

    The other is the first by name of the file and place in it, or, for rows of one key that differ
    in a table without versions, the one with the lowest content (DECISIONS.md 3).
    """
    found: dict[str, int] = {}
    for table in contract.tables:
        view = f"{_name(contract.schema_of(table))}.{_name(table.name)}"
        columns = ", ".join(_name(name) for name in table.column_names)
        key = ", ".join(_name(name) for name in table.key)
        within = columns if table.version else key
        order = "_file, _file_row" if table.version else f"{columns}, _file, _file_row"
        # Only rows whose key comes twice are ranked, which are few: hashes, which may only take
        # too many rows for the same, cost a fifth of ranking all.
        identity = f"hash({key}, {_name(table.version)})" if table.version else f"hash({key})"
        found |= dict(
            connection.execute(
                f"with repeated as materialized (select {identity} as identity from {view}"
                " group by all having count(*) > 1)"
                " select _file, count(*) from (select _file, row_number() over"
                f" (partition by {within} order by {order}) as place from {view}"
                f" where {identity} in (select identity from repeated))"
                " where place > 1 group by _file"
            ).fetchall()
        )
    return found


def _create_table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, rows: pa.Table
) -> None:
    connection.execute(f"create schema if not exists {_name(schema)}")
    connection.register("_rows", rows)
    connection.execute(
        f"create or replace table {_name(schema)}.{_name(name)} as select * from _rows"
    )
    connection.unregister("_rows")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escape_glob(path: str) -> str:
    """A path that DuckDB does not take for a pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
