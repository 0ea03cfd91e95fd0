"""Reading a release: its marts, under its official policy, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from dashboard.edition import Edition
from orchestration.books.diff import ReleaseDiff

Row = dict[str, Any]


@dataclass(frozen=True)
class Released:
    """A release that pages are made of.

    Attributes:
        connection: to its file, read-only.
        edition: what it is.
        policy_id: the official metric policy.
        policy_name: its name for people.
        changes: against the release before, or None.
        why_no_changes: in words, where it is None.
    """

    connection: duckdb.DuckDBPyConnection
    edition: Edition
    policy_id: str
    policy_name: str
    changes: ReleaseDiff | None = None
    why_no_changes: str = ""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows by column name."""
        found = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def has(self, mart: str) -> bool:
        """Whether the release has that mart (`schema.table`)."""
        return mart in self._marts

    @cached_property
    def _marts(self) -> frozenset[str]:
        """Asked for once: pages ask of every mart, and the answer is that of the file."""
        found = self.rows("select schema_name || '.' || table_name as name from duckdb_tables()")
        return frozenset(row["name"] for row in found)

    def last_month(self) -> date | None:
        """The last complete month that has MRR figures under the official policy."""
        found = self.rows(
            "select max(month) as month from revenue.fct_mrr_by_month"
            " where policy_id = ? and is_complete",
            [self.policy_id],
        )
        month: date | None = found[0]["month"]
        return month


def read_release(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    changes: ReleaseDiff | None = None,
    why_no_changes: str = "",
) -> Released:
    """The release behind a connection."""
    policy_id, name = connection.execute(
        "select policy_id, name from core.dim_metric_policies where is_official"
    ).fetchall()[0]
    return Released(connection, edition, policy_id, name, changes, why_no_changes)
