"""The benchmark command works; what it measures depends on the machine and is judged nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from benchmarks import __main__ as command
from benchmarks.company import AS_OF, SIZES, Company, split_last_day
from benchmarks.figures import Record
from benchmarks.processes import Line, Measured, measure
from benchmarks.stages import BEGINNINGS, stages

#: A child that works and a parent that has memory; both say what they used themselves.
CHILD = "import time; sum(i * i for i in range(4_000_000)); print(time.process_time())"
BUSY = f"""
import subprocess, sys, time
x = bytearray(60_000_000)
subprocess.run([sys.executable, "-c", {CHILD!r}], check=True)
print(time.process_time())
"""


def test_what_children_use_is_counted() -> None:
    used = measure([sys.executable, "-c", BUSY], {})
    child, parent = (float(line.text) for line in used.lines)
    assert child > 0.05
    assert used.cpu_seconds >= child + parent
    assert used.peak_bytes > 60_000_000


def test_a_command_that_fails_is_an_error_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="no such luck"):
        measure([sys.executable, "-c", "raise SystemExit('no such luck')"], {})


def test_a_ratio_is_to_the_sum_of_the_floors() -> None:
    lines: list[str] = []
    record = Record(lines.append)
    floor = record.add("floor", Measured(2.0, 1.0, 10**9))
    other = record.add("other", Measured(3.0, 1.0, 10**9))
    assert floor.ratio is None
    assert record.add("all", Measured(10.0, 4.0, 2 * 10**9), floor, other).ratio == 2.0
    assert lines[-1] == "| all | 10.0 | 4.0 | 2.00 | 2.00 | floor |  |"


def test_the_rows_of_the_last_day_land_apart(tmp_path: Path) -> None:
    landing, last_day = tmp_path / "landing", tmp_path / "last_day"
    folder = landing / "product" / "events" / "date=2026-10-31"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for name, days in (("both", "(0), (1), (2)"), ("new", "(0), (0)")):
            connection.execute(
                f"copy (select 'e' || place as id, timestamp '{AS_OF} 08:00' - to_days(place)"
                f" as received_at from (values {days}) as t(place)) to '{folder}/{name}.parquet'"
            )
    split_last_day(landing, last_day)
    company = Company(SIZES["S"], tmp_path, landing, last_day, None)
    before = f"select count(*), max(received_at) from read_parquet('{landing}/*/*/**/*.parquet')"
    with duckdb.connect() as connection:
        assert connection.execute(before).fetchall() == [(2, datetime(2026, 10, 30, 8))]
    assert not (folder / "new.parquet").exists()
    assert company.land_last_day() == 3
    with duckdb.connect() as connection:
        assert connection.execute(before).fetchall() == [(5, datetime(2026, 10, 31, 8))]


def test_the_stages_of_a_run_are_the_whole_of_it() -> None:
    said = (
        Line("  2.0s  landing: 3 files accepted", 1.0, 2.0, 100),
        Line("  2.1s  starting dbt, Great Expectations and Dagster", 1.5, 2.5, 0),
        Line("  9.0s  Great Expectations: raw expectations", 6.0, 9.0, 700),
        Line("  12.0s  sealing the build", 8.0, 12.0, 300),
        Line("Release 1, as of 2026-10-31.", 9.0, 15.0, 400),
    )
    found = stages(Measured(10.0, 16.0, 700, lines=said))
    assert [(one.name, one.cpu_seconds, one.wall_seconds, one.peak_bytes) for one in found] == [
        ("gate", 1.5, 2.5, 100),
        ("start, parse", 4.5, 6.5, 700),
        ("raw expectations", 2.0, 3.0, 300),
        ("sealing", 2.0, 4.0, 400),
    ]


def test_a_long_run_can_be_watched(tmp_path: Path) -> None:
    log = tmp_path / "log"
    measure([sys.executable, "-c", "print('stage one'); print('stage two')"], {}, log=log)
    assert [line.split(" GB ")[1] for line in log.read_text(encoding="utf-8").splitlines()] == [
        "stage one",
        "stage two",
    ]


def test_limits_hold_for_what_a_run_is_held_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_MEMORY_LIMIT", "600MB")
    monkeypatch.setenv("HOLDFAST_THREADS", "2")
    company = Company(SIZES["S"], tmp_path, tmp_path / "landing", tmp_path / "last_day", None)
    settings = company.settings("home", "board_strict")
    assert (settings.memory_limit, settings.threads) == ("600MB", 2)
    assert settings.home == tmp_path / "home"


def test_a_part_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--parts", "floors,roofs"])
    assert "there is no part roofs" in capsys.readouterr().err


@pytest.mark.deep
def test_the_whole_command_measures_a_tiny_company(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--folder", str(tmp_path / "company")),
            *("--customers", "40", "--months", "6", "--events", "500", "--page", str(page)),
        ],
        env={**os.environ, "HOLDFAST_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "company" / "figures.json").read_text(encoding="utf-8"))
    measured = {figure["what"]: figure for figure in found["figures"]}
    assert "new rows" in measured["make run, one day more"]["remarks"]
    assert "times dbt alone" in measured["make run, one day more"]["remarks"]
    assert measured["make run, first"]["ratio"] > 0
    run = measured["make run, first"]["cpu_seconds"]
    assert sum(stage["cpu_seconds"] for stage in found["stages"]) == pytest.approx(run)
    # A run that says other words than the benchmark looks for would lose its stages.
    assert [stage["name"] for stage in found["stages"]] == ["gate", *BEGINNINGS.values()]
    assert all(figure["cpu_seconds"] > 0 for figure in measured.values())
    assert "make run, nothing new" in page.read_text(encoding="utf-8")
    assert "</svg>" in (tmp_path / "charts" / "benchmark-S.svg").read_text(encoding="utf-8")
