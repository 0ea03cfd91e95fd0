"""Opening DuckDB files, always with the same settings, and locked down.

A locked connection reads and writes in the folders it is given, reaches no other file and no
network, loads no extension, and its configuration cannot be changed any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import EngineLimits, Settings, load_engine_limits


def engine_config(limits: Settings | EngineLimits, database: Path) -> dict[str, Any]:
    """DuckDB's settings for a file of this home: bounded memory, spill beside the file."""
    return {
        "memory_limit": limits.memory_limit,
        "threads": limits.threads,
        "temp_directory": f"{database}.tmp",
    }


def connect(
    database: Path | None,
    limits: Settings | EngineLimits | None = None,
    *,
    read_only: bool = False,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a file (None: memory) within the limits; every connection of the project begins here.

    Args:
        database: the file.
        limits: of memory and threads; default: those of the environment, as a run has them.
        read_only: whether nothing is written.
        spill: where it spills to, which gets the ending `.tmp`; default: beside the file.
    """
    limits = limits or load_engine_limits()
    config: dict[str, Any] = {"memory_limit": limits.memory_limit, "threads": limits.threads}
    if spill is None and not read_only:
        spill = database
    if spill is not None:
        config = engine_config(limits, spill)
    name = ":memory:" if database is None else str(database)
    return duckdb.connect(name, read_only=read_only, config=config)


def engine_folders(settings: Settings, project_dir: Path) -> list[Path]:
    """Where the engine reads and writes in a run, beside the folder of the opened file."""
    return [
        settings.landing,
        settings.accepted_dir,
        settings.build_dir,
        settings.releases_dir,
        project_dir / "seeds",
    ]


def lock_down(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """Let a connection use these folders only, count time in UTC, and stay so.

    DuckDB itself adds the opened file and the folder that it spills to. A file that is open
    already in this process has one engine and one configuration, which stays.
    """
    row = connection.execute("select current_setting('lock_configuration')").fetchone()
    if row is not None and row[0]:
        return
    listed = ", ".join("'" + str(folder).replace("'", "''") + "'" for folder in folders)
    for statement in (
        "set global TimeZone = 'UTC'",
        "set autoinstall_known_extensions = false",
        "set autoload_known_extensions = false",
        f"set allowed_directories = [{listed}]",
        "set enable_external_access = false",
        "set lock_configuration = true",
    ):
        connection.execute(statement)


@contextmanager
def open_for_writing(
    settings: Settings, database: Path, *, also: Sequence[Path] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The one writing connection to a private build file; closed at the end of the block.

    `also` are folders that it may read beside those of a run.
    """
    connection = connect(database, settings)
    try:
        # The releases: what a build takes over lies in the last one.
        lock_down(
            connection,
            [
                settings.landing,
                settings.accepted_dir,
                settings.releases_dir,
                database.parent,
                *also,
            ],
        )
        yield connection
    finally:
        connection.close()


@contextmanager
def open_for_reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a build or a release; closed at the end of the block."""
    connection = connect(database, read_only=True)
    try:
        lock_down(connection, [])
        yield connection
    finally:
        connection.close()


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the database of this connection has that table or view."""
    rows = connection.execute(
        "select 1 from information_schema.tables"
        " where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return bool(rows)


def table_row_counts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Rows of every table (not view) of the database of this connection, by (schema, table)."""
    names: list[tuple[str, str]] = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and not temporary order by all"
    ).fetchall()
    if not names:
        return {}
    counts = connection.execute(
        " union all ".join(
            f'select {place} as place, count(*) as row_count from "{schema}"."{table}"'
            for place, (schema, table) in enumerate(names)
        )
    ).fetchall()
    return {names[place]: count for place, count in counts}
