"""How fast the gate takes csv in, everything counted, and against which floor.

    python -m benchmarks.gate --customers 4000 --months 24
    python -m benchmarks.gate --quoted --folder data/gate-benchmark

A company is simulated and written as csv, once per folder. Measured is the gate on one core:
listing, sha256, strict reading, every check of the contract, the accepted Parquet files on disk,
control.db. The floors, in the same run on the same files: their sha256 alone; and Arrow's csv
reader, which checks nothing, into typed columns. CPU seconds are what to quote; wall seconds depend
on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.csv as arrow_csv

from orchestration.control import Control
from orchestration.landing.columns import arrow_type
from orchestration.landing.contract import load_contract
from orchestration.landing.files import sha256_of
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.settings import PROJECT_DIR, Settings, load_settings

AS_OF = date(2026, 10, 31)


def write_csv(folder: Path, customers: int, months: int, *, quoted: bool) -> Path:
    """A landing folder of csv files, simulated where it is not there yet."""
    landing = folder / ("quoted" if quoted else "plain")
    if landing.exists():
        return landing
    simulated = folder / "simulated"
    if not simulated.exists():
        command = [sys.executable, "-m", "simulation", "--landing", str(simulated)]
        command += ["--truth", str(folder / "truth"), "--as-of", AS_OF.isoformat()]
        command += ["--customers", str(customers), "--months", str(months)]
        subprocess.run(command, cwd=PROJECT_DIR, check=True)
    options = "header, timestampformat '%Y-%m-%dT%H:%M:%SZ'" + (", force_quote *" if quoted else "")
    settings = load_settings({"HOLDFAST_HOME": str(folder), "HOLDFAST_LANDING": str(simulated)})
    contract = load_contract()
    with Control(settings.control_database) as control, duckdb.connect() as connection:
        run_gate(settings, control, "simulated")
        create_raw(connection, contract, control, settings)
        for table in contract.tables:
            target = landing / table.source / table.name / "all.csv"
            target.parent.mkdir(parents=True)
            connection.execute(
                "copy (select * exclude (_file, _file_row, _loaded_at)"
                f" from {contract.schema_of(table)}.{table.name}) to '{target}' ({options})"
            )
    return landing


def gate(settings: Settings) -> int:
    """Take everything in, in a new home; returns the rows that were accepted."""
    with tempfile.TemporaryDirectory(dir=settings.home) as home:
        fresh = replace(settings, home=Path(home))
        with Control(fresh.control_database) as control:
            report = run_gate(fresh, control, "benchmark")
    assert report.rows_quarantined == 0, "the simulation lands rows that do not fit"
    return report.rows_accepted


def hash_all(settings: Settings) -> int:
    """Sha256 of every file."""
    return len([sha256_of(path) for path in settings.landing.glob("*/*/*.csv")])


def read_all(settings: Settings) -> int:
    """Every file by Arrow alone, as typed columns; returns the rows."""
    rows = 0
    for (source, table), contract in load_contract().by_name.items():
        path = settings.landing / source / table / "all.csv"
        if path.exists():
            types = {column.name: arrow_type(column) for column in contract.columns}
            rows += arrow_csv.read_csv(
                path,
                read_options=arrow_csv.ReadOptions(use_threads=False),
                parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types, timestamp_parsers=["%Y-%m-%dT%H:%M:%SZ"]
                ),
            ).num_rows
    return rows


def measure(work: Callable[[Settings], int], settings: Settings, times: int) -> tuple[float, float]:
    """CPU and wall seconds of the quickest of several runs."""
    taken = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.monotonic()
        work(settings)
        taken.append((time.process_time() - cpu, time.monotonic() - wall))
    return min(taken)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=4_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--quoted", action="store_true", help="all fields in quotes")
    parser.add_argument("--folder", type=Path, help="keep the company here for the next run")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        landing = write_csv(folder, arguments.customers, arguments.months, quoted=arguments.quoted)
        settings = load_settings(
            {
                "HOLDFAST_HOME": str(folder),
                "HOLDFAST_LANDING": str(landing.resolve()),
                "HOLDFAST_AS_OF": AS_OF.isoformat(),
                "HOLDFAST_THREADS": "1",
            }
        )
        size = sum(path.stat().st_size for path in landing.glob("*/*/*.csv"))
        rows = gate(settings)
        print(f"{size / 1e6:,.0f} MB of csv, {rows:,} rows, one core")
        print("| what | CPU s | wall s | MB per CPU s | to the floor |")
        print("|---|---|---|---|---|")
        floor = 0.0
        for name, work in (
            ("sha256 alone", hash_all),
            ("floor: Arrow's reader, unchecked", read_all),
            ("the gate", gate),
        ):
            cpu, wall = measure(work, settings, arguments.times)
            floor = cpu if work is read_all else floor
            ratio = f"{cpu / floor:.1f}" if floor else "–"
            print(f"| {name} | {cpu:.2f} | {wall:.2f} | {size / 1e6 / cpu:.0f} | {ratio} |")


if __name__ == "__main__":
    main()
