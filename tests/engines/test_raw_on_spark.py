"""Raw on the cluster: the rows, values, files and row numbers of DuckDB's raw views."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.control import Control
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.settings import Settings, load_settings
from orchestration.spark.raw import create_raw_on_spark
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

ZONED = pa.array([datetime(2026, 10, 1, 12, tzinfo=UTC)], pa.timestamp("ms", tz="Europe/Berlin"))
#: Names that Hadoop takes for a pattern, or that Java encodes.
NAMES = ("plain", "with space", "100%", "a,b", "{x}", "[1]", "what?", "ünï#")


def land(settings: Settings) -> None:
    folder = settings.landing / "billing" / "products"
    folder.mkdir(parents=True)
    header = "id,name,active,updated_at\n"
    for number, name in enumerate(NAMES):
        row = f'c{number},"O\'Neil \\ {name}",true,2026-10-01T10:00:00.25Z\n'
        (folder / f"{name}.csv").write_text(header + row, encoding="utf-8")
        columns = {"id": pa.array([number], pa.int32()), "name": [name], "updated_at": ZONED}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    (folder / "more.jsonl").write_text('{"id": "j1", "name": "J", "active": false}\n')


def test_raw_rows_are_those_of_duckdb(on_spark: SparkProject, tmp_path: Path) -> None:
    home = tmp_path / "a {home}, of ours"
    settings = load_settings({"HOLDFAST_HOME": str(home), "HOLDFAST_AS_OF": "2026-10-31"})
    land(settings)
    contract = load_contract()
    query = (
        "select id, name, active, cast(updated_at as {text}), _file, _file_row,"
        " cast(_loaded_at as {text}) from raw_billing.products order by _file, _file_row"
    )
    with (
        Control(settings.control_database) as control,
        duckdb.connect(str(tmp_path / "build.duckdb")) as build,
        on_spark.cursor() as cursor,
    ):
        run_gate(settings, control, "r1")
        create_raw(build, contract, control, settings)
        expected = build.execute(query.format(text="varchar")).fetchall()
        create_raw_on_spark(cursor, contract, control, settings, build, tmp_path / "exchange")
        cursor.execute(query.format(text="string"))
        found = [tuple(row) for row in cursor.fetchall()]
    assert len(expected) == 2 * len(NAMES) + 1
    assert found == expected
