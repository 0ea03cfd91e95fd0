"""Opening DuckDB files, always with the same settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import Settings


def engine_config(settings: Settings, database: Path) -> dict[str, Any]:
    """DuckDB's settings for a file of this home: bounded memory, spill beside the file."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": f"{database}.tmp",
        "autoinstall_known_extensions": False,
    }


@contextmanager
def open_for_writing(settings: Settings, database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The one writing connection to a private build file; closed at the end of the block."""
    connection = duckdb.connect(str(database), config=engine_config(settings, database))
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextmanager
def open_for_reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a build or a release; closed at the end of the block."""
    connection = duckdb.connect(str(database), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
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
