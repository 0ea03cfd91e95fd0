"""A run's models on the cluster: hand over what they read, take back what they made.

Between the two dbt builds on the cluster as it does in a file. The audit, the seal and everything
behind them then see a build file like any other.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb

from orchestration.books.tables import SCHEMA as BOOKS_SCHEMA
from orchestration.control import Control
from orchestration.errors import BuildError
from orchestration.failpoints import failpoint
from orchestration.landing.contract import load_contract
from orchestration.settings import Settings
from orchestration.spark.adapter import connect, describe, let_go, teach
from orchestration.spark.cluster import thrift_address
from orchestration.spark.raw import (
    FILES_SCHEMA,
    PREVIOUS_SCHEMA,
    create_raw_on_spark,
    exchange_folder,
)
from orchestration.warehouse import has_table, open_for_reading, open_for_writing
from orchestration.workers import tell

#: Rows of a failed test that a message shows.
EXAMPLES = 3

_BUILT = ("model", "seed")

#: Spark's types that the warehouse knows by another name.
_TYPES = {"string": "varchar", "array<string>": "varchar[]"}


def begin(settings: Settings, build_database: Path, project_dir: Path) -> None:
    """Make the raw views of a run on the cluster, and teach dbt-spark what it does not know.

    Raises:
        BuildError: the cluster cannot be reached.
        LandingError: a landed file changed or went.
    """
    teach()
    exchange = exchange_folder(settings)
    shutil.rmtree(exchange, ignore_errors=True)
    tell("Spark: raw views over the accepted files")
    with (
        _cursor(settings) as cursor,
        Control(settings.control_database) as control,
        open_for_reading(build_database) as build,
    ):
        create_raw_on_spark(cursor, load_contract(project_dir), control, settings, build, exchange)
    failpoint("spark.raw_created")


def bring_back(
    settings: Settings,
    build_database: Path,
    results: Sequence[Any],
    also: frozenset[str] = frozenset(),
) -> None:
    """Copy what dbt built on the cluster into the build file, table by table.

    Staging stays where it is: it holds personal data, and little after dbt reads it. So do views.

    Args:
        settings: of the run.
        build_database: the private build file, which has the raw views and the books.
        results: of dbt; nodes that failed or were skipped have no table.
        also: ids of views and staging models that something reads; sealing drops them.

    Raises:
        BuildError: a table's files cannot be read from here.
    """
    built = [
        (row.node.schema, row.node.alias, row.node)
        for row in results
        if str(row.node.resource_type) in _BUILT
        and str(row.status) == "success"
        and (row.node.unique_id in also or not (_is_view(row.node) or _is_staging(row.node)))
    ]
    let_go()
    tell(f"Spark: {len(built)} tables into the build file")
    with _cursor(settings) as cursor:
        for schema, name, node in built:
            if _is_view(node):
                _make_table(cursor, schema, name)
        found = {(schema, name): _described(cursor, schema, name) for schema, name, _ in built}
    folders = sorted(folder for _, folder in found.values())
    with open_for_writing(settings, build_database, also=folders) as connection:
        for schema, name, node in built:
            columns, folder = found[schema, name]
            _copy(connection, schema, name, _as_agreed(columns, node), folder)
            failpoint("spark.table_copied")


def end(settings: Settings, project_dir: Path, results: Sequence[Any]) -> None:
    """Leave nothing of the run on the cluster: no views of raw, no table, nothing handed over.

    They hold personal data, and only the release is kept, and erased, by rules.
    """
    schemas = {source.schema for source in load_contract(project_dir).sources}
    schemas |= {row.node.schema for row in results if str(row.node.resource_type) in _BUILT}
    with _cursor(settings) as cursor:
        for schema in sorted(schemas | {BOOKS_SCHEMA, PREVIOUS_SCHEMA, FILES_SCHEMA}):
            cursor.execute(f"drop schema if exists `{schema}` cascade")
    shutil.rmtree(exchange_folder(settings), ignore_errors=True)
    failpoint("spark.cleared")


def failed_rows(settings: Settings, sql: str) -> tuple[list[str], list[Any]]:
    """Columns and first rows of what a test found on the cluster."""
    from pyhive.exc import Error

    try:
        with _cursor(settings) as cursor:
            cursor.execute(f"select * from ({sql}\n) as failed limit {EXAMPLES}")
            names = [column[0].rsplit(".", 1)[-1] for column in cursor.description]
            return names, cursor.fetchall()
    except Error as error:
        raise BuildError(f"The cluster did not answer: {error}") from None


def _cursor(settings: Settings) -> Any:
    host, _, port = thrift_address(settings).partition(":")
    return connect(host, int(port))


def _is_view(node: Any) -> bool:
    return str(node.config.get("materialized")) == "view"


def _is_staging(node: Any) -> bool:
    return str(node.schema) == "staging"


def _make_table(cursor: Any, schema: str, name: str) -> None:
    """Put the rows of a view in its place; only tables have files."""
    view = f"`{schema}`.`{name}`"
    made = f"`{schema}`.`{name}__rows`"
    cursor.execute(f"create table {made} using parquet as select * from {view}")
    cursor.execute(f"drop view {view}")
    cursor.execute(f"alter table {made} rename to {view}")


def _described(cursor: Any, schema: str, name: str) -> tuple[list[tuple[str, str]], Path]:
    """Columns of a table with their types, and where its Parquet files lie."""
    columns, details = describe(cursor, f"`{schema}`.`{name}`")
    location = details["Location"]
    place = urlparse(location)
    folder = Path(unquote(place.path))
    if place.scheme not in ("", "file") or not folder.is_dir():
        raise BuildError(
            f"Spark keeps {schema}.{name} in {location}, which cannot be read from here. The "
            "folder of the cluster's warehouse must be seen by this machine under the same path."
        )
    return columns, folder


def _as_agreed(columns: list[tuple[str, str]], node: Any) -> dict[str, tuple[str, bool]]:
    """Type by column, and whether it may be null, whichever engine made it: a mart's contract says.

    What has no contract comes as it is.
    """
    contract = getattr(node, "contract", None)
    agreed = {}
    if contract is not None and contract.enforced:
        for column, info in node.columns.items():
            limits = {str(getattr(limit.type, "value", limit.type)) for limit in info.constraints}
            agreed[column] = (info.data_type, "not_null" not in limits)
    return {
        column: agreed.get(column, (_TYPES.get(data_type, data_type), True))
        for column, data_type in columns
    }


def _copy(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    name: str,
    columns: dict[str, tuple[str, bool]],
    folder: Path,
) -> None:
    target = f"{_quoted(schema)}.{_quoted(name)}"
    connection.execute(f"create schema if not exists {_quoted(schema)}")
    # What was carried over from the last release has gone to the cluster and come back.
    if has_table(connection, schema, name):
        connection.execute(f"drop table {target}")
    listed = ", ".join(
        f"{_quoted(column)} {kind}{'' if may_be_null else ' not null'}"
        for column, (kind, may_be_null) in columns.items()
    )
    connection.execute(f"create table {target} ({listed})")
    # A table without rows may have no file.
    files = sorted(str(file) for file in folder.glob("*.parquet"))
    if files:
        selected = ", ".join(
            f"cast({_quoted(column)} as {kind})" for column, (kind, _) in columns.items()
        )
        connection.execute(
            f"insert into {target} select {selected}"
            " from read_parquet(?, hive_partitioning = false)",
            [files],
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
