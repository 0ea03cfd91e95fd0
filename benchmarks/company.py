"""The simulated company of a benchmark, and the files of its last day apart from all others."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.processes import Measured, measure
from orchestration.landing.contract import Table, load_contract
from orchestration.settings import Settings, load_settings

AS_OF = date(2026, 10, 31)
DAY_BEFORE = AS_OF - timedelta(days=1)
#: Of tables without versions, the column that says when a row came to be.
_MADE_AT = ("received_at", "created", "opened_at", "responded_at")


@dataclass(frozen=True)
class Size:
    """How large a company is; events None: as many as its engagement calls for."""

    name: str
    customers: int
    months: int
    events: int


SIZES = {
    "S": Size("S", 2_000, 36, 50_000),
    "M": Size("M", 100_000, 36, 10_000_000),
    "L": Size("L", 1_000_000, 60, 100_000_000),
}


@dataclass(frozen=True)
class Company:
    """A company in its folder.

    Attributes:
        size: what was simulated.
        folder: holds everything below.
        landing: what landed up to the last day but one.
        last_day: what lands on the last day, in the same folders.
        simulated: what making it took; None where it was there already.
    """

    size: Size
    folder: Path
    landing: Path
    last_day: Path
    simulated: Measured | None

    def settings(self, home: str, policies: str, as_of: date = DAY_BEFORE) -> Settings:
        """Settings of a run over this company, in a home folder of its own.

        What the environment says of memory and threads holds for dbt alone as it does for a run.
        """
        return load_settings({**os.environ, **self.environment(home, policies, as_of)})

    def environment(self, home: str, policies: str, as_of: date = DAY_BEFORE) -> dict[str, str]:
        """The same as environment variables."""
        return {
            "HOLDFAST_HOME": str(self.folder / home),
            "HOLDFAST_LANDING": str(self.landing),
            "HOLDFAST_AS_OF": as_of.isoformat(),
            "HOLDFAST_ENABLED_POLICIES": policies,
        }

    def land_last_day(self) -> int:
        """Land the files of the last day; returns their rows."""
        rows = 0
        for path in sorted(self.last_day.glob("*/*/*.parquet")):
            target = self.landing / path.relative_to(self.last_day)
            rows += _count(path)
            path.rename(target)
        return rows


def make_company(size: Size, folder: Path) -> Company:
    """Simulate a company, unless the folder holds it."""
    folder = folder.resolve()
    landing, last_day, done = folder / "landing", folder / "last_day", folder / "simulated"
    simulated = None
    if not done.exists():
        command = [sys.executable, "-m", "simulation", "--landing", str(landing)]
        command += ["--truth", str(folder / "truth"), "--as-of", AS_OF.isoformat()]
        command += ["--customers", str(size.customers), "--months", str(size.months)]
        command += ["--events", str(size.events)]
        simulated = measure(command, {})
        split_last_day(landing, last_day)
        done.touch()
    return Company(size, folder, landing, last_day, simulated)


def split_last_day(landing: Path, last_day: Path) -> None:
    """Move the rows of the last day out of the landed Parquet files, into files of their own.

    Files of other formats stay as they are: they belong to small tables.
    """
    for (source, name), table in load_contract().by_name.items():
        made_at = _made_at(table)
        for path in sorted((landing / source / name).rglob("*.parquet")) if made_at else []:
            of_day = f"{made_at} >= timestamp '{AS_OF}'"
            with duckdb.connect() as connection:
                connection.execute("set TimeZone = 'UTC'")
                rows = f"from read_parquet('{path}', hive_partitioning = false) where"
                counted = connection.execute(f"select count(*) {rows} {of_day}").fetchall()
                if not counted[0][0]:
                    continue
                relative = path.relative_to(landing / source / name)
                flat = "-".join([f"day={AS_OF}", *relative.parts])
                target = last_day / source / name / flat
                target.parent.mkdir(parents=True, exist_ok=True)
                rest = path.with_suffix(".rest")
                options = "(format parquet, compression zstd)"
                connection.execute(f"copy (select * {rows} {of_day}) to '{target}' {options}")
                connection.execute(
                    f"copy (select * {rows} ({of_day}) is not true) to '{rest}' {options}"
                )
            if _count(rest):
                rest.replace(path)
            else:
                # A file without rows looks like one that was cut off.
                rest.unlink()
                path.unlink()


def _made_at(table: Table) -> str | None:
    times = [column.name for column in table.columns if column.data_type == "timestamp"]
    candidates = [*([table.version] if table.version else []), *_MADE_AT]
    return next((name for name in candidates if name in times), None)


def _count(path: Path) -> int:
    with duckdb.connect() as connection:
        found = connection.execute(f"select count(*) from read_parquet('{path}')").fetchall()
    return int(found[0][0])
