"""What a build takes over from the last release: sums that need not be made again, and history.

The dbt models that keep state read their own table of the last release (macro `previous_version`).
Everything else in a build is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.failpoints import failpoint

#: Sums of what has landed: made anew when the code is not that of the last release.
SUMS: Sequence[tuple[str, str]] = (
    ("intermediate", "int_event_files"),
    ("intermediate", "int_event_days"),
)
#: What was published and cannot be made again: always taken over.
HISTORY: Sequence[tuple[str, str]] = (("intermediate", "int_health_snapshots"),)


def carry_over(
    connection: duckdb.DuckDBPyConnection, last_release: Path | None, *, is_same_code: bool
) -> list[str]:
    """Copy the tables that keep state from the last release into the build.

    Args:
        connection: to the private build file.
        last_release: the file of the last release, None if there is none.
        is_same_code: whether the last release was made by the code of this run.

    Returns:
        The tables that were copied, as `schema.table`.
    """
    if last_release is None:
        return []
    wanted = [*(SUMS if is_same_code else ()), *HISTORY]
    path = str(last_release).replace("'", "''")
    connection.execute(f"attach '{path}' as last_release (read_only)")
    try:
        there = set(
            connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = 'last_release'"
            ).fetchall()
        )
        copied = [table for table in wanted if table in there]
        # The sums belong together: without the list of files nobody knows what they are made of.
        if not set(SUMS) <= set(copied):
            copied = [table for table in copied if table not in SUMS]
        for schema, table in copied:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create or replace table {schema}.{table} as from last_release.{schema}.{table}"
            )
    finally:
        connection.execute("detach last_release")
    failpoint("state.carried_over")
    return [f"{schema}.{table}" for schema, table in copied]
