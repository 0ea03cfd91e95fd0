"""The least that a step could cost, measured in the same run: no orchestration, no checks.

    python -m benchmarks.floors read DATABASE
    python -m benchmarks.floors models DATABASE
    python -m benchmarks.floors raw DATABASE
    python -m benchmarks.floors copy RELEASE

Each is a process of its own, so that it can be measured like any other.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from orchestration.books.tables import definitions, write_books
from orchestration.control import Control
from orchestration.dbt_runner import dbt_target_dir
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.settings import DBT_PROJECT_DIR, Settings, load_settings
from orchestration.targets.postgres.dictionary import read_tables
from orchestration.targets.postgres.server import VARIABLE as POSTGRES
from orchestration.warehouse import engine_config, open_for_writing


def make_raw(settings: Settings, database: Path) -> None:
    """Take everything in and make the file that dbt starts from: raw views, and the books."""
    database.parent.mkdir(parents=True, exist_ok=True)
    database.unlink(missing_ok=True)
    run_id = f"benchmark-{secrets.token_hex(3)}"
    with Control(settings.control_database) as control:
        run_gate(settings, control, run_id)
        with open_for_writing(settings, database) as connection:
            create_raw(connection, load_contract(), control, settings)
            write_books(
                connection,
                control,
                settings,
                run_id=run_id,
                code_version="",
                made_by=definitions(settings, DBT_PROJECT_DIR),
                request=None,
            )


def read_once(settings: Settings, database: Path) -> None:
    """Read every column of every raw table once and take its greatest value; sum events by day.

    No warehouse of these tables can do less: it has to read them, and to count the events.
    """
    contract = load_contract()
    config = _config(settings, database)
    with duckdb.connect(str(database), read_only=True, config=config) as engine:
        for table in contract.tables:
            greatest = ", ".join(f'max("{name}")' for name in table.column_names)
            place = f'{contract.schema_of(table)}."{table.name}"'
            engine.execute(f"select count(*), {greatest} from {place}").fetchall()
        engine.execute(
            "select count(*) from (select account_id, user_id, event,"
            " cast(occurred_at as date) as day, count(*) from raw_product.events group by all)"
        ).fetchall()


def build_models(settings: Settings, database: Path) -> None:
    """Run the compiled SQL of every model, one after the other, in a file that dbt has built.

    The few models in Python stay as dbt made them.
    """
    target = dbt_target_dir(settings)
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(database), config=_config(settings, database)) as engine:
        engine.execute("set TimeZone = 'UTC'")
        for node in _in_order(manifest["nodes"]):
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            compiled = target / "compiled" / node["package_name"] / node["original_file_path"]
            name = f'"{node["schema"]}"."{node["alias"]}"'
            engine.execute(
                f"create or replace {kind} {name} as {compiled.read_text(encoding='utf-8')}"
            )


def copy_marts(settings: Settings, release: Path) -> None:
    """Write what a release publishes as csv, and COPY it into bare tables of the database of BI
    tools, which are dropped again: no keys, no comparison, no views. Lists go as text.
    """
    with (
        tempfile.TemporaryDirectory(dir=settings.home) as scratch,
        closing(duckdb.connect(str(release), read_only=True)) as engine,
        psycopg.connect(os.environ[POSTGRES]) as server,
    ):
        server.execute("create schema holdfast_benchmark")
        for table in read_tables(engine):
            path = Path(scratch) / f"{table.name}.csv"
            engine.execute(
                f'copy "{table.source_schema}"."{table.name}" to \'{path}\' (header false)'
            )
            place = sql.Identifier("holdfast_benchmark", table.name)
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(
                    sql.Identifier(column.name),
                    sql.SQL("text" if column.type.endswith("[]") else column.type),
                )
                for column in table.columns
            )
            server.execute(sql.SQL("create table {} ({})").format(place, columns))
            statement = sql.SQL("copy {} from stdin (format csv)").format(place)
            with server.cursor().copy(statement) as stream, path.open("rb") as rows:
                while block := rows.read(1 << 20):
                    stream.write(block)
            path.unlink()
        server.commit()
        server.execute("drop schema holdfast_benchmark cascade")


def _in_order(nodes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Models in SQL, each after those that it reads."""
    order = TopologicalSorter(
        # A seed depends on no nodes, and does not say so.
        {name: node["depends_on"].get("nodes", []) for name, node in nodes.items()}
    )
    for name in order.static_order():
        node = nodes.get(name)
        if node and node["resource_type"] == "model" and node["language"] == "sql":
            yield node


def _config(settings: Settings, database: Path) -> dict[str, Any]:
    return engine_config(settings, database) | {"force_compression": "uncompressed"}


def main() -> None:
    """Run one of them, with the settings of the environment."""
    what, database = sys.argv[1], Path(sys.argv[2])
    works = {"raw": make_raw, "read": read_once, "models": build_models, "copy": copy_marts}
    works[what](load_settings(os.environ), database)


if __name__ == "__main__":
    main()
