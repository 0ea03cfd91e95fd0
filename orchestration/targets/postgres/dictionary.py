"""What is published: the tables, columns and keys that the release's own dictionary lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
from psycopg import sql

from orchestration.targets.postgres.server import TargetError
from orchestration.warehouse import has_table

#: DuckDB's types and PostgreSQL's.
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20,0)",
    "HUGEINT": "numeric(39,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
#: Everybody's: what is published when, and the dictionary itself.
OPS = "ops"


@dataclass(frozen=True)
class Column:
    """A column; `kind` is DuckDB's type, `type` PostgreSQL's as its catalog writes it."""

    name: str
    kind: str
    type: str
    is_nullable: bool
    description: str


@dataclass(frozen=True)
class Key:
    """A primary, unique or foreign key; `to` is the table that a foreign one leads to."""

    kind: str
    columns: tuple[str, ...]
    to: str = ""
    to_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of the release and the view that shows it, `schema`.`name`."""

    source_schema: str
    schema: str
    name: str
    description: str
    owner: str
    is_personal: bool
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]

    @property
    def view(self) -> sql.Identifier:
        """The view that readers use."""
        return sql.Identifier(self.schema, self.name)

    def table(self, hidden: str) -> sql.Identifier:
        """The table behind it, in a hidden schema."""
        return sql.Identifier(hidden, self.name)

    @property
    def comment(self) -> str:
        """What BI tools show of the table: a view has no keys of its own, so they are said."""
        lines = [self.description]
        lines += [
            f"{'Key' if key.kind == 'primary' else 'Unique'}: {', '.join(key.columns)}."
            for key in self.keys
            if key.kind != "foreign"
        ]
        lines += [
            f"{', '.join(key.columns)} refers to {key.to}."
            for key in self.keys
            if key.kind == "foreign"
        ]
        if self.owner:
            lines.append(f"Owner: {self.owner}.")
        return "\n".join(lines)


def read_tables(connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """The tables that a release publishes.

    Raises:
        TargetError: the release has no dictionary, a type that PostgreSQL has not, two tables of
            one name, or personal data in a schema that is not apart.
    """
    if not has_table(connection, "quality", "dictionary_tables"):
        raise TargetError(
            "the release was made by an earlier version and does not say what it has; the next "
            "release will be published (make run)"
        )
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, name, kind, is_nullable, description in connection.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable, description"
        " from quality.dictionary_columns order by schema_name, table_name, position"
    ).fetchall():
        columns.setdefault((schema, table), []).append(
            Column(
                name,
                kind,
                postgres_type(kind, f"{schema}.{table}.{name}"),
                is_nullable,
                description,
            )
        )
    keys: dict[tuple[str, str], list[Key]] = {}
    for schema, table, kind, names, to_schema, to_table, to_columns in connection.execute(
        "select schema_name, table_name, kind, columns, to_schema, to_table, to_columns"
        " from quality.dictionary_keys where is_kept order by all"
    ).fetchall():
        to = f"{_shown_in(to_schema, to_table)}.{to_table}" if to_table else ""
        keys.setdefault((schema, table), []).append(
            Key(kind, tuple(names), to, tuple(to_columns or ()))
        )
    tables = tuple(
        Table(
            source_schema=schema,
            schema=_shown_in(schema, name),
            name=name,
            description=description,
            owner=owner,
            is_personal=is_personal,
            columns=tuple(columns[schema, name]),
            keys=tuple(keys.get((schema, name), ())),
        )
        for schema, name, description, owner, is_personal in connection.execute(
            "select * from quality.dictionary_tables order by schema_name, table_name"
        ).fetchall()
    )
    _check(tables)
    return tables


def postgres_type(kind: str, place: str) -> str:
    """PostgreSQL's type for one of DuckDB's.

    Raises:
        TargetError: there is none; names the column.
    """
    if kind.endswith("[]"):
        return f"{postgres_type(kind.removesuffix('[]'), place)}[]"
    if match := _DECIMAL.fullmatch(kind):
        return f"numeric({match[1]},{match[2]})"
    if kind not in _TYPES:
        raise TargetError(
            f"{place} has the type {kind}, which is not published; give the mart another type"
        )
    return _TYPES[kind]


def _shown_in(schema: str, table: str) -> str:
    return OPS if table.startswith("dictionary_") else schema


def _check(tables: Sequence[Table]) -> None:
    """Names are one schema's in the hidden schema, and persons are kept apart."""
    by_name: dict[str, Table] = {}
    for table in tables:
        other = by_name.setdefault(table.name, table)
        if other is not table:
            raise TargetError(
                f"{table.schema}.{table.name} and {other.schema}.{other.name} have the same name"
            )
    apart = {table.schema for table in tables if table.is_personal}
    for table in tables:
        if table.schema in apart and not table.is_personal:
            raise TargetError(
                f"{table.schema} has tables with personal data, and {table.schema}.{table.name} "
                "without: a schema has one or the other, for its readers are named for all of it"
            )
