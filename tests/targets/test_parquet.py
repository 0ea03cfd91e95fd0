"""A release as Parquet files: what the manifest says is so, and readers never see a part."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from orchestration.control import Release
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from orchestration.targets.parquet import converge_parquet, parquet_dir

MADE = """
create schema revenue;
create table revenue.fct_mrr_by_month as
    select date '2026-09-01' as month, cast(0.10 as decimal(18, 2)) as closing_mrr,
        true as is_complete
    union all select date '2026-10-01', cast(-0.30 as decimal(18, 2)), false
    union all select date '2026-11-01', null, false;
create table revenue.fct_empty (customer_id varchar, mrr decimal(18, 2));
create schema quality;
create table quality.run_log as
    select 'r1' as run_id, timestamp '2026-11-01 06:00:00' as published_at;
create schema outreach;
create table outreach.fct_winback_list as select 'anna@example.com' as email;
create schema intermediate;
create table intermediate.int_event_days as select 1 as n;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with release 1."""
    environ = {"HOLDFAST_HOME": str(tmp_path), "HOLDFAST_PARQUET": "on"}
    settings = load_settings({**environ, "HOLDFAST_AS_OF": "2026-10-31"})
    settings.releases_dir.mkdir()
    make_release(settings, 1)
    return settings


def make_release(settings: Settings, n: int, extra: str = "select 1") -> Release:
    path = settings.releases_dir / f"{n}.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(MADE)
        connection.execute(extra)
    return release_of(settings, n)


def release_of(settings: Settings, n: int) -> Release:
    path = settings.releases_dir / f"{n}.duckdb"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    published_at = datetime(2026, 11, 1, 6)
    return Release(n, f"r{n}", "f", sha256, path.stat().st_size, published_at, date(2026, 10, 31))


def converge(settings: Settings, release: Release) -> list[str]:
    said: list[str] = []
    converge_parquet(settings, release, said.append)
    return said


def current(settings: Settings) -> Path:
    return parquet_dir(settings) / "current"


def manifest(settings: Settings) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((current(settings) / "manifest.json").read_text())
    return read


def test_the_manifest_says_what_the_files_are(settings: Settings) -> None:
    release = release_of(settings, 1)
    (said,) = converge(settings, release)
    assert said.startswith("parquet: release 1, 3 tables, ")
    read = manifest(settings)
    assert (read["release"], read["sha256"], read["run"]) == (1, release.sha256, "r1")
    assert (read["as_of"], read["published_at"]) == ("2026-10-31", "2026-11-01T06:00:00")
    tables = {table["table"]: table for table in read["tables"]}
    assert set(tables) == {"quality.run_log", "revenue.fct_empty", "revenue.fct_mrr_by_month"}
    files = {path.name for path in current(settings).iterdir()}
    assert files == {"manifest.json", *(table["file"] for table in tables.values())}
    for table in tables.values():
        content = (current(settings) / table["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == table["sha256"]
        assert len(content) == table["bytes"]
    by_month = tables["revenue.fct_mrr_by_month"]
    assert by_month["rows"] == 3
    assert by_month["control_totals"] == {"closing_mrr": "-0.20"}
    assert by_month["columns"][1] == {"name": "closing_mrr", "type": "DECIMAL(18,2)"}
    assert tables["revenue.fct_empty"]["control_totals"] == {"mrr": None}


def test_others_read_the_same_values(settings: Settings) -> None:
    converge(settings, release_of(settings, 1))
    table = pq.read_table(current(settings) / "revenue.fct_mrr_by_month.parquet")
    assert pc.sum(table["closing_mrr"]).as_py() == Decimal("-0.20")
    assert table["month"].to_pylist() == [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]
    assert pq.read_table(current(settings) / "revenue.fct_empty.parquet").num_rows == 0


def test_a_start_writes_what_is_missing_and_leaves_what_is_there(settings: Settings) -> None:
    release = release_of(settings, 1)
    assert len(converge(settings, release)) == 1
    assert converge(settings, release) == []
    # An erasure seals a release anew under its number.
    sealed_anew = make_release(
        settings, 1, "delete from revenue.fct_mrr_by_month where month > '2026-10-01'"
    )
    assert len(converge(settings, sealed_anew)) == 1
    assert manifest(settings)["sha256"] == sealed_anew.sha256
    for n in (2, 3, 4, 5):
        converge(settings, make_release(settings, n))
    kept = {path.name for path in parquet_dir(settings).iterdir()}
    assert kept == {"5", "4", "3", "current"}


def test_off_means_no_files(settings: Settings) -> None:
    assert converge(replace(settings, with_parquet=False), release_of(settings, 1)) == []
    assert not parquet_dir(settings).exists()


def test_what_goes_wrong_is_said_and_the_old_folder_stays(settings: Settings) -> None:
    converge(settings, release_of(settings, 1))
    release = make_release(settings, 2)
    (settings.releases_dir / "2.duckdb").write_bytes(b"no database")
    (said,) = converge(settings, release)
    assert said.startswith("parquet: not written (")
    assert said.endswith("the release stands")
    assert manifest(settings)["release"] == 1
    converge(settings, make_release(settings, 2))
    assert manifest(settings)["release"] == 2


@pytest.mark.parametrize("place", ["parquet.partial", "parquet.moved"])
def test_a_kill_leaves_the_old_folder_or_the_new_one(settings: Settings, place: str) -> None:
    converge(settings, release_of(settings, 1))
    release = make_release(settings, 2)
    script = (
        "from datetime import date, datetime\n"
        "from orchestration.control import Release\n"
        "from orchestration.settings import load_settings\n"
        "from orchestration.targets.parquet import converge_parquet\n"
        f"release = Release(2, 'r2', 'f', '{release.sha256}', 1,"
        " datetime(2026, 11, 1), date(2026, 10, 31))\n"
        "converge_parquet(load_settings(), release, print)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "HOLDFAST_HOME": str(settings.home),
            "HOLDFAST_PARQUET": "on",
            "HOLDFAST_FAILPOINT": place,
        },
        check=False,
    )
    assert killed.returncode == -9
    assert manifest(settings)["release"] == 1
    converge(settings, release)
    assert manifest(settings)["release"] == 2
    assert {path.name for path in parquet_dir(settings).iterdir()} == {"1", "2", "current"}
