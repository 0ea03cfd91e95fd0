"""Databases without the texts of a customer: releases written anew, SQLite mended in place."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.control import without_triggers
from orchestration.erasure.subject import EXPOSED, OWNERS
from orchestration.erasure.texts import ERASED, Person, spellings
from orchestration.errors import HoldfastError
from orchestration.landing.tombstones import is_personal_id
from orchestration.settings import Settings
from orchestration.warehouse import connect, lock_down, open_for_reading

_TEXTS = ("VARCHAR", "VARCHAR[]")
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True)
class TableColumns:
    """A table of a release: its columns in order, as (name, type, may be null)."""

    schema: str
    name: str
    columns: tuple[tuple[str, str, bool], ...]

    @property
    def quoted(self) -> str:
        """Schema and name for SQL."""
        return f"{_name(self.schema)}.{_name(self.name)}"


def write_without(settings: Settings, source: Path, target: Path, person: Person) -> int:
    """Write a release anew without the texts of a customer; nothing else in it changes.

    The new file is made from the rows, so that no freed block of the old one comes along.

    Returns:
        How many cells are other now. Every other cell was compared and is the same.

    Raises:
        HoldfastError: something else would have changed; the target is not to be used.
    """
    target.unlink(missing_ok=True)
    connection = connect(target, settings)
    try:
        lock_down(connection, [source.parent])
        connection.execute(f"attach {_literal(str(source))} as old (read_only)")
        connection.execute(f"copy from database old to {_name(target.stem)} (schema)")
        cells = 0
        for table in _tables(connection, "'old'"):
            cells += _copy(connection, table, person)
        connection.execute("detach old")
        connection.execute("checkpoint")
    finally:
        connection.close()
    return cells


def cells_with(source: Path, person: Person) -> int:
    """How many cells of a release hold a text that has to go, or bytes of what once did.

    A freed block may hold anything, so a file that has one counts too.
    """
    with open_for_reading(source) as connection:
        cells = 0
        for table in _tables(connection, "current_database()"):
            own, others = _whose(table, person)
            changed = [
                f"count_if({value} is distinct from {_name(name)})"
                for name, kind, nullable in table.columns
                if kind in _TEXTS
                and (value := _value((name, kind, nullable), own, others, person)) != _name(name)
            ]
            if changed:
                row = connection.execute(f"select {' + '.join(changed)} from {table.quoted}")
                cells += int((row.fetchone() or (0,))[0] or 0)
        free = connection.execute("select sum(free_blocks) from pragma_database_size()").fetchone()
    return cells + int(free[0] or 0 if free else 0)


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[TableColumns]:
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable"
        f" from duckdb_columns() where database_name = {database} and not internal"
        " order by schema_name, table_name, column_index"
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, bool]]] = {}
    for schema, table, column, data_type, is_nullable in rows:
        if "VARCHAR" in data_type and data_type not in _TEXTS:
            raise HoldfastError(
                f"{schema}.{table}.{column} is {data_type}: the erasure knows no way into it, so "
                "nothing was changed."
            )
        found.setdefault((schema, table), []).append((column, data_type, is_nullable))
    return [TableColumns(*key, tuple(columns)) for key, columns in found.items()]


def _copy(connection: duckdb.DuckDBPyConnection, table: TableColumns, person: Person) -> int:
    """Copy a table without the texts; returns how many cells are other."""
    own, others = _whose(table, person)
    values = [_value(column, own, others, person) for column in table.columns]
    connection.execute(
        f"insert into {table.quoted} select {', '.join(values)} from old.{table.quoted}"
    )
    figures = [_name(name) for name, kind, _ in table.columns if kind not in _TEXTS]
    sums = f"select count(*), sum(hash({', '.join(figures) or '1'})) from"
    before = connection.execute(f"{sums} old.{table.quoted}").fetchone()
    after = connection.execute(f"{sums} {table.quoted}").fetchone()
    if before != after:
        raise HoldfastError(f"{table.quoted} would not have the same figures; nothing was changed.")
    changed = [
        f"count_if({value} is distinct from {_name(name)})"
        for (name, kind, _), value in zip(table.columns, values, strict=True)
        if kind in _TEXTS
    ]
    row = connection.execute(
        f"select {' + '.join(changed) or '0'} from old.{table.quoted}"
    ).fetchone()
    return int(row[0] or 0) if row else 0


def _whose(table: TableColumns, person: Person) -> tuple[str, str]:
    """Whether a row is the customer's, and whether it is another's; as SQL."""
    texts = [name for name, kind, _ in table.columns if kind == "VARCHAR"]
    keys = [_name(name) for name in OWNERS if name in texts]
    listed = _list(person.owners)
    own = " or ".join(f"coalesce({key} in {listed}, false)" for key in keys) or "false"
    known = " or ".join(f"{key} is not null" for key in keys) or "false"
    return f"({own})", f"(({known}) and not ({own}))"


def _value(column: tuple[str, str, bool], own: str, others: str, person: Person) -> str:
    """A column of a row, without what has to go."""
    name, kind, is_nullable = column
    quoted = _name(name)
    if kind not in _TEXTS:
        return quoted
    if kind == "VARCHAR[]":
        mine = f"list_transform({quoted}, lambda said: {_without('said', person.in_own_rows)})"
        nobodys = f"list_transform({quoted}, lambda said: {_without('said', person.everywhere)})"
    else:
        mine, nobodys = _without(quoted, person.in_own_rows), _without(quoted, person.everywhere)
        plain = f"lower(trim({quoted}))"
        if name.endswith("_id"):
            for text in filter(is_personal_id, person.in_own_rows):
                pseudonym = _literal(person.tombstones.pseudonym(text))
                mine = (
                    f"case when {plain} = {_literal(text.lower())} then {pseudonym} else {mine} end"
                )
        elif name in EXPOSED and person.names:
            gone = "null" if is_nullable else _literal(ERASED)
            mine = f"case when {plain} in {_list(person.names)} then {gone} else {mine} end"
    if mine == nobodys == quoted:
        return quoted
    return f"case when {own} then {mine} when {others} then {quoted} else {nobodys} end"


def _without(argument: str, texts: Sequence[str]) -> str:
    """A text without some others, as SQL."""
    if not texts:
        return argument
    ways = sorted({way for text in texts for way in spellings(text)}, key=lambda w: (-len(w), w))
    pattern = "|".join(_META.sub(r"\\\1", way) for way in ways)
    return f"regexp_replace({argument}, {_literal(pattern)}, {_literal(ERASED)}, 'gi')"


def mend_sqlite(path: Path, person: Person) -> int:
    """Take the texts of a customer out of every table of a SQLite file, and its freed pages.

    Returns:
        How many rows are other now.
    """
    changed = 0
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("begin immediate")
        for table, sql in connection.execute(
            "select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        ).fetchall():
            if "without rowid" not in str(sql).lower():
                changed += mend_table(connection, table, person)
        connection.execute("commit")
        compact(connection)
    return changed


def compact(connection: sqlite3.Connection) -> None:
    """Leave no freed page and no log behind."""
    connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)")


def mend_table(connection: sqlite3.Connection, table: str, person: Person) -> int:
    """Take the texts out of one table, inside the transaction under way; rows that changed."""
    rows = connection.execute(f"select rowid, * from {_name(table)}")
    names = [entry[0] for entry in rows.description][1:]
    changes = []
    for rowid, *values in rows:
        clean = [person.redact(value) if isinstance(value, str) else value for value in values]
        if clean != values:
            changes.append((*clean, rowid))
    if changes:
        sets = ", ".join(f"{_name(name)} = ?" for name in names)
        with without_triggers(connection, table):
            connection.executemany(f"update {_name(table)} set {sets} where rowid = ?", changes)
    return len(changes)


def _list(texts: Collection[str]) -> str:
    return f"({', '.join(_literal(text) for text in sorted(texts))})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
