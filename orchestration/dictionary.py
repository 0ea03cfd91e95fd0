"""`quality.dictionary_*`: what a release says of its own tables, columns and keys.

Out of the dbt project's documentation, contracts and grain tests, written into every build when it
is audited. Whoever publishes a release, today's or an old one, finds there all that it takes.

A key is what a blocking test of the project holds: `unique` or `unique_combination`. It is primary
where none of its columns can be null. A column that is named as the one-column key of a dimension
refers to it; `is_kept` says whether every value is found there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

Manifest = Mapping[str, Any]
Node = Mapping[str, Any]
Row = dict[str, Any]

_TABLES = """
create schema if not exists quality;

create or replace table quality.dictionary_tables (
    schema_name varchar not null,
    table_name varchar not null,
    description varchar not null,
    owner varchar not null,
    is_personal boolean not null,
    primary key (schema_name, table_name)
);

create or replace table quality.dictionary_columns (
    schema_name varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    position integer not null,
    data_type varchar not null,
    is_nullable boolean not null,
    description varchar not null,
    is_personal boolean not null,
    primary key (schema_name, table_name, column_name)
);

create or replace table quality.dictionary_keys (
    schema_name varchar not null,
    table_name varchar not null,
    kind varchar not null,
    columns varchar[] not null,
    to_schema varchar,
    to_table varchar,
    to_columns varchar[],
    is_kept boolean not null
);
"""

#: Tables that the run itself writes: description, key, and a sentence for each column.
_WRITTEN_BY_THE_RUN: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, str]]] = {
    "run_log": (
        "One row per released run.",
        ("run_id",),
        {
            "run_id": "Name of the run.",
            "as_of_date": "Last day that counts in it.",
            "known_at": "What was loaded after this time (UTC) was left out; null: nothing was.",
            "input_fingerprint": "Sha256 over files, code and settings.",
            "code_version": "Sha256 over the code that figures are computed by.",
            "rows_received": "Landed rows: accepted + superseded + quarantined.",
            "rows_accepted": "Rows that count.",
            "rows_superseded": "Rows that say what another row says already.",
            "rows_quarantined": "Rows that were set aside.",
            "checks_run": "Checks that were carried out.",
            "checks_failed": "Checks that failed; none of them blocks, or the run was accepted.",
            "checks_warned": "Checks that warn.",
            "published_at": "When it was released (UTC).",
        },
    ),
    "load_log": (
        "One row per landed file that this release looked at.",
        (),
        {
            "source": "Source of the raw contract.",
            "table_name": "Table of the raw contract.",
            "file": "Name in the landing folder.",
            "sha256": "Of the file's content.",
            "rows_received": "Rows of the file: accepted + superseded + quarantined.",
            "rows_accepted": "Rows that count.",
            "rows_superseded": "Rows that say what another row says already.",
            "rows_quarantined": "Rows that were set aside.",
            "loaded_at": "When the file was first accepted (UTC).",
            "state": "accepted, refused or duplicate.",
        },
    ),
    "check_results": (
        "One row per check of the run that made this release.",
        ("run_id", "stage", "subject", "name"),
        {
            "run_id": "Name of the run.",
            "stage": "raw, test, unit_test, marts or invariant.",
            "subject": "Table or model that was looked at.",
            "name": "Name of the check.",
            "is_passed": "False also where it could not be carried out.",
            "is_blocking": "Whether its failure rejects a run.",
            "is_skipped": "Not carried out, because what it needs was not there.",
            "failure_count": "Rows or values that broke the rule; null where they are not counted.",
            "message": "What was expected and what was found.",
        },
    ),
    "dictionary_tables": (
        "One row per table that is published.",
        ("schema_name", "table_name"),
        {
            "schema_name": "Schema, which is the domain.",
            "table_name": "Name of the table.",
            "description": "What a row is.",
            "owner": "Who answers for its figures.",
            "is_personal": "Whether it has personal data.",
        },
    ),
    "dictionary_columns": (
        "One row per column of a table that is published.",
        ("schema_name", "table_name", "column_name"),
        {
            "schema_name": "Schema of the table.",
            "table_name": "Name of the table.",
            "column_name": "Name of the column.",
            "position": "Place in the table, from 1.",
            "data_type": "Type in the release (DuckDB).",
            "is_nullable": "Whether it may be null.",
            "description": "Meaning and unit.",
            "is_personal": "Whether it is personal data.",
        },
    ),
    "dictionary_keys": (
        "One row per key of a table that is published, and per reference to another.",
        (),
        {
            "schema_name": "Schema of the table.",
            "table_name": "Name of the table.",
            "kind": "primary, unique (a null equals a null) or foreign.",
            "columns": "Columns of the key.",
            "to_schema": "Schema of the table that a foreign key leads to.",
            "to_table": "Table that it leads to.",
            "to_columns": "Its key.",
            "is_kept": "False for references that do not all lead to a row.",
        },
    ),
}


@dataclass(frozen=True)
class _Documented:
    """A table of the build as it is documented."""

    schema: str
    name: str
    description: str
    owner: str
    is_personal: bool
    columns: Mapping[str, str]
    personal_columns: frozenset[str]
    required: frozenset[str]
    grains: tuple[tuple[str, ...], ...]


def write_dictionary(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Write the dictionary of all marts and books that the build has.

    Args:
        connection: to the build.
        manifest: dbt's, of the project that was built.
    """
    connection.execute(_TABLES)
    built: dict[tuple[str, str], list[tuple[str, int, str, bool]]] = {}
    for schema, table, *column in connection.execute(
        "select schema_name, table_name, column_name, column_index, data_type, is_nullable"
        " from duckdb_columns() where database_name = current_database() and not internal"
        " order by schema_name, table_name, column_index"
    ).fetchall():
        built.setdefault((schema, table), []).append(tuple(column))
    documented = [
        table for table in [*_marts(manifest), *_books()] if (table.schema, table.name) in built
    ]
    columns = [
        {
            "schema_name": table.schema,
            "table_name": table.name,
            "column_name": name,
            "position": position,
            "data_type": data_type,
            "is_nullable": is_nullable and name not in table.required,
            "description": table.columns.get(name, ""),
            "is_personal": name in table.personal_columns,
        }
        for table in documented
        for name, position, data_type, is_nullable in built[table.schema, table.name]
    ]
    tables = [
        {
            "schema_name": table.schema,
            "table_name": table.name,
            "description": table.description,
            "owner": table.owner,
            "is_personal": table.is_personal,
        }
        for table in documented
    ]
    _insert(connection, "dictionary_tables", tables)
    _insert(connection, "dictionary_columns", columns)
    _insert(connection, "dictionary_keys", _keys(connection, documented, columns))


def _keys(
    connection: duckdb.DuckDBPyConnection, documented: Sequence[_Documented], columns: Sequence[Row]
) -> list[Row]:
    """The keys of all tables, and what refers to the one-column keys of dimensions."""
    required = {
        (row["schema_name"], row["table_name"], row["column_name"])
        for row in columns
        if not row["is_nullable"]
    }
    keys: list[Row] = []
    dimensions: dict[str, _Documented] = {}
    for table in documented:
        has_primary = False
        for grain in table.grains:
            never_null = all((table.schema, table.name, column) in required for column in grain)
            is_primary = never_null and not has_primary
            has_primary |= is_primary
            keys.append(_key(table, "primary" if is_primary else "unique", grain))
            if is_primary and len(grain) == 1 and table.name.startswith("dim_"):
                dimensions[grain[0]] = table
    for row in columns:
        target = dimensions.get(row["column_name"])
        table = next(
            t for t in documented if (t.schema, t.name) == (row["schema_name"], row["table_name"])
        )
        if target is not None and target is not table:
            keys.append(_reference(connection, table, row["column_name"], target))
    return keys


def _key(table: _Documented, kind: str, columns: Sequence[str]) -> Row:
    return {
        "schema_name": table.schema,
        "table_name": table.name,
        "kind": kind,
        "columns": list(columns),
        "to_schema": None,
        "to_table": None,
        "to_columns": None,
        "is_kept": True,
    }


def _reference(
    connection: duckdb.DuckDBPyConnection, table: _Documented, column: str, target: _Documented
) -> Row:
    """A foreign key, and whether all its values lead to a row."""
    lost = connection.execute(
        f'select 1 from "{table.schema}"."{table.name}" as referring anti join'
        f' "{target.schema}"."{target.name}" as target using ("{column}")'
        f' where "{column}" is not null limit 1'
    ).fetchone()
    return {
        **_key(table, "foreign", [column]),
        "to_schema": target.schema,
        "to_table": target.name,
        "to_columns": [column],
        "is_kept": lost is None,
    }


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        connection.register("rows_of_the_dictionary", pa.Table.from_pylist(list(rows)))
        connection.execute(
            f"insert into quality.{table} by name select * from rows_of_the_dictionary"
        )
        connection.unregister("rows_of_the_dictionary")


def _marts(manifest: Manifest) -> Iterable[_Documented]:
    owners = {
        group["name"]: str(group["owner"].get("name") or group["owner"].get("email") or "")
        for group in manifest["groups"].values()
    }
    nodes = list(manifest["nodes"].values())
    tests: dict[str, list[Node]] = {}
    for node in nodes:
        if node["resource_type"] == "test" and node.get("attached_node"):
            tests.setdefault(node["attached_node"], []).append(node)
    for node in nodes:
        if node["resource_type"] != "model" or node["fqn"][1] not in ("marts", "quality"):
            continue
        attached = [_said(test) for test in tests.get(node["unique_id"], []) if _holds(test)]
        personal = frozenset(
            name for name, column in node["columns"].items() if _is_personal(column)
        )
        yield _Documented(
            schema=node["schema"],
            name=node.get("alias") or node["name"],
            description=" ".join(node["description"].split()),
            owner=owners.get(node["config"].get("group") or "", ""),
            is_personal=_is_personal(node) or bool(personal),
            columns={
                name: " ".join(column["description"].split())
                for name, column in node["columns"].items()
            },
            personal_columns=personal,
            required=frozenset(columns[0] for kind, columns in attached if kind == "not_null"),
            # The shortest first: a table's own id before what it is made of.
            grains=tuple(
                sorted(
                    {columns for kind, columns in attached if kind.startswith("unique")},
                    key=lambda columns: (len(columns), columns),
                )
            ),
        )


def _books() -> Iterable[_Documented]:
    for name, (description, key, columns) in _WRITTEN_BY_THE_RUN.items():
        yield _Documented(
            schema="quality",
            name=name,
            description=description,
            owner="",
            is_personal=False,
            columns=columns,
            personal_columns=frozenset(),
            required=frozenset(),
            grains=(key,) if key else (),
        )


def _holds(test: Node) -> bool:
    """Whether a test of all rows would have rejected the run."""
    config = test["config"]
    return str(config["severity"]).upper() == "ERROR" and not config.get("where")


def _said(test: Node) -> tuple[str, tuple[str, ...]]:
    """Kind and columns of a generic test; a singular one says nothing of a key."""
    metadata = test.get("test_metadata") or {}
    arguments = metadata.get("kwargs") or {}
    name = str(metadata.get("name") or "")
    if name == "unique_combination":
        return name, tuple(arguments["columns"])
    if name in ("unique", "not_null"):
        return name, (str(arguments["column_name"]),)
    return "", ()


def _is_personal(documented: Node) -> bool:
    return bool((documented.get("config") or {}).get("meta", {}).get("personal"))
