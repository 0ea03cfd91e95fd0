"""Runs a changed model and what reads it, on a built database that is only read."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.mutation.compiled import MARTS, Node

CATALOG = "warehouse"
"""The name that the compiled SQL gives to the database."""


@dataclass(frozen=True)
class HandCheck:
    """A query on the marts (named without schema) and the rows it must give."""

    case: str
    query: str
    expected: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Covered:
    """What the oracle says of a mart: its columns, and which rows (a condition)."""

    columns: tuple[str, ...]
    where: str = "true"


@dataclass(frozen=True)
class Prepared:
    """A built database with the compiled SQL of what is in it and what is known of its marts."""

    name: str
    database: Path
    nodes: tuple[Node, ...]
    covered: Mapping[str, Covered]
    checks: tuple[HandCheck, ...]

    @property
    def models(self) -> list[Node]:
        """The models, each after what it reads."""
        return [node for node in self.nodes if node.is_model]


@dataclass(frozen=True)
class Verdict:
    """`caught_by` is None for a mutant that nothing noticed; `reached` are the models that hold
    other rows than without the change.
    """

    caught_by: str | None
    detail: str
    reached: tuple[str, ...]


class Chain:
    """One connection to one prepared database; used for mutant after mutant.

    Args:
        prepared: the database.
        time_limit: seconds after which a mutant that runs on (an endless recursion, a cross
            product) is taken to have failed.
    """

    def __init__(self, prepared: Prepared, time_limit: float = 300.0) -> None:
        self.prepared = prepared
        self._time_limit = time_limit
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "1500MB"})
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute("set enable_progress_bar = false")
        self._connection.execute(f"attach '{prepared.database}' as {CATALOG} (read_only)")
        self._relations = {node.name: node.relation for node in prepared.models}
        self._required = self._required_columns()

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _required_columns(self) -> dict[str, list[str]]:
        """The columns of each mart that its contract says are never null."""
        found: dict[str, list[str]] = {mart: [] for mart in MARTS}
        rows = self._connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = $catalog and not is_nullable",
            {"catalog": CATALOG},
        ).fetchall()
        for table, column in rows:
            if table in found:
                found[table].append(column)
        return found

    def judge(self, changed: Mapping[str, str]) -> Verdict:
        """Run changed models and all that follows from them.

        Args:
            changed: the SQL of changed models by name.
        """
        dirty: dict[str, str] = {}
        timer = threading.Timer(self._time_limit, self._connection.interrupt)
        timer.start()
        try:
            self._connection.execute("create schema memory.mutant")
            noticed = self._models(changed, dirty) or self._tests(dirty)
        except duckdb.Error as error:
            noticed = ("error", str(error).splitlines()[0][:160])
        finally:
            timer.cancel()
            self._connection.execute("drop schema if exists memory.mutant cascade")
        caught_by, detail = noticed or (None, "")
        return Verdict(caught_by, detail, tuple(dirty))

    def rows(self, name: str) -> int:
        """How many rows a built model has."""
        return self._count(f"select * from {self._relations[name]}")

    def _models(self, changed: Mapping[str, str], dirty: dict[str, str]) -> tuple[str, str] | None:
        for node in self.prepared.models:
            if node.name not in changed and not set(node.depends_on) & dirty.keys():
                continue
            table = f'memory.mutant."{node.name}"'
            sql = self._redirected(changed.get(node.name, node.sql), dirty)
            self._connection.execute(f"create table {table} as {sql}")
            if not self._differs(f"select * from {node.relation}", f"select * from {table}"):
                continue
            dirty[node.name] = table
            noticed = self._mart(node.name, node.relation, table)
            if noticed:
                return noticed
        for check in self.prepared.checks if dirty else ():
            found = self._connection.execute(self._placed(check.query, dirty)).fetchall()
            if tuple(map(tuple, found)) != check.expected:
                return ("hand case", check.case)
        return None

    def _mart(self, name: str, relation: str, table: str) -> tuple[str, str] | None:
        for column in self._required.get(name, ()):
            if self._count(f'select 1 from {table} where "{column}" is null'):
                return ("contract", f"{name}.{column} is null")
        covered = self.prepared.covered.get(name)
        if covered is None:
            return None
        query = f"select {', '.join(covered.columns)} from {{0}} where {covered.where}"
        if self._differs(query.format(relation), query.format(table)):
            return ("oracle", name)
        return None

    def _tests(self, dirty: Mapping[str, str]) -> tuple[str, str] | None:
        for node in self.prepared.nodes:
            if node.is_model or not set(node.depends_on) & dirty.keys():
                continue
            if self._count(self._redirected(node.sql, dirty)):
                return ("data test", node.name)
        return None

    def _redirected(self, sql: str, dirty: Mapping[str, str]) -> str:
        for name, table in dirty.items():
            sql = sql.replace(self._relations[name], table)
        return sql

    def _placed(self, query: str, dirty: Mapping[str, str]) -> str:
        for name, relation in self._relations.items():
            query = query.replace(f"{{{name}}}", dirty.get(name, relation))
        return query

    def _count(self, query: str) -> int:
        row = self._connection.execute(f"select count(*) from ({query}) as counted").fetchone()
        assert row is not None
        return int(row[0])

    def _differs(self, one: str, other: str) -> bool:
        return bool(
            self._count(f"(({one}) except all ({other})) union all (({other}) except all ({one}))")
        )

    def failing(self) -> list[str]:
        """What fails without any change: hand checks and data tests (should be none)."""
        failing = [
            f"hand case {check.case}: {found}"
            for check in self.prepared.checks
            for found in [self._connection.execute(self._placed(check.query, {})).fetchall()]
            if tuple(map(tuple, found)) != check.expected
        ]
        return failing + [
            f"data test {node.name}"
            for node in self.prepared.nodes
            if not node.is_model and self._count(node.sql)
        ]


def unharmed(chain: Chain, nodes: Sequence[Node], rendered: Mapping[str, str]) -> list[str]:
    """The models whose rows change by being parsed and written again (should be none)."""
    return [
        f"{node.name}: {verdict.detail or verdict.reached}"
        for node in nodes
        if node.name in rendered
        for verdict in [chain.judge({node.name: rendered[node.name]})]
        if verdict.caught_by or verdict.reached
    ]
