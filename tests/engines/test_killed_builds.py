"""A table that is being written, and what a killed run left on the cluster.

Parquet tables are not written in one step. A reader meets no table till all of it is there; and a
run takes into its release only what it has built itself.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from orchestration.spark.build import bring_back
from orchestration.spark.cluster import Cluster, folder
from orchestration.spark.raw import PREVIOUS_SCHEMA, hand_over
from tests.support.raw_tables import write_raw_tables
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

SCHEMA, MART = "customer_success", "fct_customer_signals"
#: Writes a table for ten seconds, as a run writes a model: eight tasks that wait, on four cores.
WRITER = f"""
import sys
from orchestration.spark.adapter import connect
host, port = sys.argv[1].split(":")
with connect(host, int(port)) as cursor:
    cursor.execute("create schema if not exists {SCHEMA}")
    cursor.execute("create table {SCHEMA}.{MART} using parquet as"
                   " select id, reflect('java.lang.Thread', 'sleep', 5000L) as slept"
                   " from range(0, 8, 1, 8)")
"""
#: The one table that the mart is made of, with one row.
SEEN = """create table intermediate.int_signals_seen using parquet as select
    'acc_1' as account_id, 'cus_1' as customer_id, date'2026-10-31' as seen_date,
    true as is_latest, 'days_since_login' as signal, cast(3 as decimal(18, 6)) as value,
    'days' as unit, date'2026-10-28' as since_date, 'three days' as evidence"""


def test_a_reader_meets_no_half_of_a_table_and_a_killed_writer_is_in_nobodys_way(
    on_spark: SparkProject, running: Cluster, cluster_home: Path, tmp_path: Path
) -> None:
    database = tmp_path / "warehouse.duckdb"
    write_raw_tables(database, {})
    on_spark.manifest()
    files = folder(cluster_home) / "warehouse" / f"{SCHEMA}.db" / MART
    with on_spark.cursor() as cursor:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, running.thrift], cwd=PROJECT_DIR, stderr=subprocess.PIPE
        )
        try:
            until = time.monotonic() + 60
            while not (files / "_temporary").is_dir():
                assert writer.poll() is None, writer.communicate()
                assert time.monotonic() < until
                time.sleep(0.05)
            with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
                cursor.execute(f"select count(*) from {SCHEMA}.{MART}")
        finally:
            writer.kill()
            writer.communicate()
        # The next run, at once, while the cluster may still be at it.
        cursor.execute("create schema if not exists intermediate")
        cursor.execute(SEEN)
        try:
            on_spark.build(database, [MART])
        finally:
            cursor.execute("drop schema intermediate cascade")
            cursor.execute(f"drop schema if exists {SCHEMA} cascade")
    with duckdb.connect(str(database)) as connection:
        found = connection.execute(f"select account_id, evidence from {SCHEMA}.{MART}").fetchall()
    assert found == [("acc_1", "three days")]


def finished(status: str) -> Any:
    """What dbt says of a model whose table lies on the cluster."""
    node = SimpleNamespace(
        schema=SCHEMA,
        alias=MART,
        unique_id=f"model.holdfast.{MART}",
        resource_type="model",
        config={"materialized": "table"},
        contract=None,
    )
    return SimpleNamespace(node=node, status=status)


@pytest.mark.parametrize("status", ["success", "error", "skipped"])
def test_only_what_this_run_has_built_is_taken_into_its_release(
    status: str, on_spark: SparkProject, tmp_path: Path
) -> None:
    """The table of a killed run lies where that of this run would."""
    database = tmp_path / "warehouse.duckdb"
    write_raw_tables(database, {})
    with on_spark.cursor() as cursor:
        cursor.execute(f"create schema if not exists {SCHEMA}")
        cursor.execute(f"create table {SCHEMA}.{MART} using parquet as select 'left' as evidence")
        try:
            bring_back(on_spark.settings, database, [finished(status)])
        finally:
            cursor.execute(f"drop schema {SCHEMA} cascade")
    with duckdb.connect(str(database)) as connection:
        taken = connection.execute(
            "select count(*) from duckdb_tables() where table_name = ?", [MART]
        ).fetchall()
    assert taken == [(1 if status == "success" else 0,)]


def test_tables_carried_over_by_a_killed_run_are_no_versions_of_the_next(
    on_spark: SparkProject, tmp_path: Path
) -> None:
    """Every run makes the schema `previous` anew, of its own last release."""
    with on_spark.cursor() as cursor, duckdb.connect() as build:
        cursor.execute(f"create schema if not exists {PREVIOUS_SCHEMA}")
        cursor.execute(f"create table {PREVIOUS_SCHEMA}.int_event_days using parquet as select 1")
        hand_over(cursor, build, tmp_path / "exchange")
        cursor.execute(f"show tables in {PREVIOUS_SCHEMA}")
        left = cursor.fetchall()
        cursor.execute(f"drop schema {PREVIOUS_SCHEMA} cascade")
    assert left == []
