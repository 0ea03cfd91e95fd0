"""How fast the gate takes files in, everything counted, and against which floor.

    python -m benchmarks.gate --customers 4000 --months 24
    python -m benchmarks.gate --kind quoted --folder data/gate-benchmark
    python -m benchmarks.gate --kind parquet --folder data/gate-benchmark

A company is simulated and written as csv or Parquet, once per folder. Measured is the gate on one
core: listing, sha256, strict reading, every check of the contract, the accepted Parquet files on
disk, control.db. The floors, in the same run on the same files: their sha256 alone; Arrow's reader,
which checks nothing, into typed columns; and, of csv, writing these as Parquet. The gate's task is
all of them. CPU seconds are what to quote; wall seconds depend on what else the machine does, and
so, a little, do CPU seconds: the works take turns, and of each the quickest turn counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from orchestration.control import Control
from orchestration.landing.columns import arrow_type
from orchestration.landing.contract import load_contract
from orchestration.landing.files import sha256_of
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.settings import PROJECT_DIR, Settings, load_settings

AS_OF = date(2026, 10, 31)
_CSV = "header, timestampformat '%Y-%m-%dT%H:%M:%SZ'"
KINDS = {
    "plain": (".csv", _CSV),
    "quoted": (".csv", f"{_CSV}, force_quote *"),
    "parquet": (".parquet", "format parquet"),
}


def write_landing(folder: Path, customers: int, months: int, kind: str) -> Path:
    """A landing folder of one file per table, simulated where it is not there yet."""
    landing = folder / kind
    if landing.exists():
        return landing
    simulated = folder / "simulated"
    if not simulated.exists():
        command = [sys.executable, "-m", "simulation", "--landing", str(simulated)]
        command += ["--truth", str(folder / "truth"), "--as-of", AS_OF.isoformat()]
        command += ["--customers", str(customers), "--months", str(months)]
        subprocess.run(command, cwd=PROJECT_DIR, check=True)
    suffix, options = KINDS[kind]
    settings = load_settings({"HOLDFAST_HOME": str(folder), "HOLDFAST_LANDING": str(simulated)})
    contract = load_contract()
    with Control(settings.control_database) as control, duckdb.connect() as connection:
        run_gate(settings, control, "simulated")
        create_raw(connection, contract, control, settings)
        for table in contract.tables:
            target = landing / table.source / table.name / f"all{suffix}"
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
    return len([sha256_of(path) for path in settings.landing.glob("*/*/all.*")])


def read_all(settings: Settings) -> list[pa.Table]:
    """Every file by Arrow alone, as typed columns."""
    tables = []
    for (source, table), contract in load_contract().by_name.items():
        for path in (settings.landing / source / table).glob("all.*"):
            types = {column.name: arrow_type(column) for column in contract.columns}
            tables.append(
                pq.read_table(path, use_threads=False, page_checksum_verification=True)
                if path.suffix == ".parquet"
                else read_csv(path, types)
            )
    return tables


def read_csv(path: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    """A csv file as Arrow reads it quickest: times with a zone, which needs no pattern."""
    zoned = pa.timestamp("us", "UTC")
    is_time = pa.types.is_timestamp
    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=2 << 20),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: zoned if is_time(kind) else kind for name, kind in types.items()},
            check_utf8=False,
        ),
    )


def write_all(tables: list[pa.Table], scratch: Path) -> int:
    """Write tables as Parquet, as pyarrow does it by itself but for the compression."""
    for number, table in enumerate(tables):
        pq.write_table(table, scratch / f"{number}.parquet", compression="none")
    return len(tables)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return time.process_time() - cpu, time.monotonic() - wall


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=4_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--kind", choices=KINDS, default="plain", help="quoted: all fields are")
    parser.add_argument("--folder", type=Path, help="keep the company here for the next run")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        landing = write_landing(folder, arguments.customers, arguments.months, arguments.kind)
        settings = load_settings(
            {
                "HOLDFAST_HOME": str(folder),
                "HOLDFAST_LANDING": str(landing.resolve()),
                "HOLDFAST_AS_OF": AS_OF.isoformat(),
                "HOLDFAST_THREADS": "1",
            }
        )
        megabytes = sum(path.stat().st_size for path in landing.glob("*/*/all.*")) / 1e6
        rows = gate(settings)
        tables = read_all(settings)
        target = Path(scratch) / "written"
        target.mkdir()
        works: dict[str, Callable[[], object]] = {
            "sha256 alone": lambda: hash_all(settings),
            "Arrow's reader alone, unchecked": lambda: read_all(settings),
        }
        if arguments.kind != "parquet":
            works["Parquet writer alone"] = lambda: write_all(tables, target)
        floors = tuple(works)
        works["the gate"] = lambda: gate(settings)
        turns = [
            {name: timed(work) for name, work in works.items()} for _ in range(arguments.times)
        ]
        best = {name: min(turn[name] for turn in turns) for name in works}
        floor = sum(best[name][0] for name in floors)
        best = {name: best[name] for name in floors} | {
            "floor: these together": (floor, sum(best[name][1] for name in floors)),
            "the gate": best["the gate"],
        }
        print(f"{megabytes:,.0f} MB, {arguments.kind}, {rows:,} rows, one core")
        print("| what | CPU s | wall s | MB per CPU s | to the floor |")
        print("|---|---|---|---|---|")
        for name, (cpu, wall) in best.items():
            print(
                f"| {name} | {cpu:.2f} | {wall:.2f} | {megabytes / cpu:.0f} | {cpu / floor:.2f} |"
            )


if __name__ == "__main__":
    main()
