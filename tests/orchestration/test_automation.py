"""Schedule, sensor and definitions: what Dagster loads, without anything having landed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import daily_schedule, landing_sensor, listing_digest
from orchestration.settings import PROJECT_DIR


def look(cursor: str | None) -> tuple[dg.RunRequest | dg.SkipReason, str | None]:
    """What the sensor asks for, and its cursor after it."""
    context = dg.build_sensor_context(cursor=cursor)
    asked = landing_sensor(context)
    assert isinstance(asked, dg.RunRequest | dg.SkipReason)
    return asked, context.cursor


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.delenv("HOLDFAST_LANDING", raising=False)
    return tmp_path / "landing"


def test_the_sensor_waits_for_the_first_file(landing: Path) -> None:
    asked, cursor = look(None)
    assert isinstance(asked, dg.SkipReason)
    assert cursor is None


def test_the_sensor_asks_once_for_each_state_of_the_folder(landing: Path) -> None:
    file = landing / "billing" / "customers" / "1.csv"
    file.parent.mkdir(parents=True)
    file.write_text("id\n", encoding="utf-8")
    first, cursor = look(None)
    assert isinstance(first, dg.RunRequest)
    again, cursor = look(cursor)
    assert isinstance(again, dg.SkipReason)
    file.with_name("2.csv").write_text("id\n", encoding="utf-8")
    second, _ = look(cursor)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key


def test_the_digest_sees_names_and_sizes_and_times(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1", encoding="utf-8")
    os.utime(file, ns=(0, 0))
    seen = {listing_digest(tmp_path)}
    os.utime(file, ns=(0, 1))
    seen.add(listing_digest(tmp_path))
    file.rename(tmp_path / "b.csv")
    seen.add(listing_digest(tmp_path))
    assert len(seen) == 3
    assert listing_digest(tmp_path / "missing") is None


def test_the_schedule_runs_every_morning_of_the_reporting_time_zone() -> None:
    schedule = daily_schedule("Europe/Berlin")
    assert schedule.cron_schedule == "0 5 * * *"
    assert schedule.execution_timezone == "Europe/Berlin"


def test_definitions_load_without_a_landing_folder(tmp_path: Path) -> None:
    code = """
import dagster as dg
from orchestration.automation import REFRESH
from orchestration.definitions import defs
from orchestration.landing.contract import load_contract
definitions = defs()
dg.Definitions.validate_loadable(definitions)
assets = {spec.key: spec for spec in definitions.resolve_all_asset_specs()}
for table in load_contract().tables:
    raw = assets[dg.AssetKey([f"raw_{table.source}", table.name])]
    assert raw.group_name == table.source, raw
mart = assets[dg.AssetKey(["revenue", "fct_mrr_by_month"])]
assert mart.group_name == "revenue"
assert mart.freshness_policy is not None
release = assets[dg.AssetKey(["release"])]
assert mart.key in {dep.asset_key for dep in release.deps}
staged = assets[dg.AssetKey(["staging", "stg_billing__customers"])]
assert {dep.asset_key for dep in staged.deps} == {dg.AssetKey(["raw_billing", "customers"])}
job = definitions.resolve_job_def(REFRESH)
assert job.executor_def.name == "in_process"
checks = job.asset_layer.executable_asset_keys and job.asset_layer.asset_graph.asset_check_keys
assert len(checks) > 200
print("loaded", len(assets), len(checks))
"""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
        "HOLDFAST_HOME": str(tmp_path / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("loaded")
    assert not (tmp_path / "home" / "landing").exists()
