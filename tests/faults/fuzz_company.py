"""Whole companies that are odd: every model builds, and every data test holds, of their marts too.

    python -m tests.faults.fuzz_company --seed 7 --count 5 [--release]

A company is simulated, made odd in one to five ways (`odd.py`), landed, taken in and built with all
data tests, in a process of its own that may take so much memory. The raw suites, which would hold
many of these runs before any model, are left out on purpose: what they let pass may be as odd.
With `--release` the company goes through everything that a user runs (`fuzz_release.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import sys
import tempfile
import time
from datetime import date
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import duckdb

from orchestration.books.tables import definitions, write_books
from orchestration.control import Control
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.release.carry_over import carry_over
from orchestration.settings import DBT_PROJECT_DIR, Settings
from simulation.config import SimulationConfig
from simulation.run import simulate, write_company
from tests.faults.fuzz_release import released
from tests.faults.odd import ODDITIES, Company
from tests.metamorphic.landed import land_whole
from tests.support.dbt_runner import DATABASE_NAME, DbtError, DbtProject

CONFIG = SimulationConfig(customers=60, months=14, seed=3, as_of=date(2026, 10, 31), events=2_400)
VARIABLES: dict[str, Any] = {
    "as_of_date": CONFIG.as_of.isoformat(),
    "enabled_policies": ["board_strict", "chartmogul_2025"],
    "official_policy": "board_strict",
}
#: Of a company of 60 customers; a model that needs more has multiplied its rows.
MAX_BYTES = 8 * 2**30
MAX_SECONDS = 900
#: Data tests that are there for such companies: they hold the run and name the rows.
MEANT = ("_lacks_a_rate", "_exchange_rate_is_missing", "_stack_no_deeper_than_counted")


@lru_cache(maxsize=1)
def simulated() -> Company:
    """All rows of the simulated company, by `source.table`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_company(simulate(CONFIG), folder / "landing", folder / "truth")
        database = folder / "simulated.duckdb"
        take_in(folder, database)
        rows: Company = {}
        with duckdb.connect(str(database)) as connection:
            for table in load_contract().tables:
                found = connection.execute(
                    "select * exclude (_file, _file_row, _loaded_at)"
                    f' from raw_{table.source}."{table.name}" order by _file, _file_row'
                )
                names = [column[0] for column in found.description]
                rows[f"{table.source}.{table.name}"] = [
                    dict(zip(names, row, strict=True)) for row in found.fetchall()
                ]
        return rows


def take_in(folder: Path, database: Path) -> None:
    """What has landed in the folder, as the raw tables of a build; refused files are left out."""
    settings = Settings(
        home=folder / "home",
        landing=folder / "landing",
        as_of=CONFIG.as_of,
        known_at=None,
        reporting_timezone="UTC",
        reporting_currency="USD",
        enabled_policies=tuple(VARIABLES["enabled_policies"]),
        official_policy=VARIABLES["official_policy"],
        memory_limit="2GB",
        threads=2,
    )
    made_by = definitions(settings, DBT_PROJECT_DIR)
    with Control(settings.control_database) as control:
        run_gate(settings, control, "run-1", go_on=True)
        with duckdb.connect(str(database)) as connection:
            create_raw(connection, load_contract(), control, settings)
            write_books(connection, control, settings, run_id="run-1", code_version="odd",
                        made_by=made_by, request=None)  # fmt: skip
            carry_over(connection, None, is_same_code=False)


def made_odd(rows: Company, seed: int) -> tuple[Company, list[str]]:
    """A copy of a company with one to five oddities, and their names."""
    chance = random.Random(seed)
    company = {table: [dict(row) for row in some] for table, some in rows.items()}
    chosen = [ODDITIES[seed % len(ODDITIES)], *chance.choices(ODDITIES, k=chance.randrange(5))]
    for oddity in chosen:
        # What one would change, another may have removed.
        with contextlib.suppress(IndexError, StopIteration):
            oddity(company, chance)
    return company, [oddity.__name__ for oddity in chosen]


def _build(company: Company, answers: Queue[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    with tempfile.TemporaryDirectory(prefix="odd") as scratch:
        folder = Path(scratch)
        land_whole(folder / "landing", {name: rows for name, rows in company.items() if rows})
        take_in(folder, folder / DATABASE_NAME)
        try:
            DbtProject(folder / "dbt").build(
                folder / DATABASE_NAME,
                variables=VARIABLES,
                with_tests=True,
                exclude=("test_type:unit", "resource_type:exposure", "resource_type:saved_query"),
            )
        except DbtError as error:
            parts = str(error).split("\n\n")
            answers.put("\n".join(part for part in parts if not _is_meant(part)))
        else:
            answers.put("")


def _is_meant(part: str) -> bool:
    """Whether a part of an error is no fault: no news, or a test that holds a run on purpose."""
    return "NO-OP" in part or any(name in part for name in MEANT)


def tried(seed: int) -> tuple[list[str], str]:
    """Make a company odd and build it; the oddities, and what failed (empty: all held)."""
    company, names = made_odd(simulated(), seed)
    processes = get_context("spawn")
    answers = processes.Queue()
    child = processes.Process(target=_build, args=(company, answers))
    child.start()
    try:
        failed: str = answers.get(timeout=MAX_SECONDS)
    except Empty:
        failed = f"no answer after {MAX_SECONDS} s, exit code {child.exitcode}"
    child.kill()
    child.join()
    return names, failed


def tried_release(seed: int) -> tuple[list[str], str]:
    """Make a company odd and release it by the command line; the oddities, and what failed."""
    company, names = made_odd(simulated(), seed)
    outcome = released(company)
    return [*names, f"(runs ended:{outcome.ended})"], "\n".join(outcome.faults)


def main() -> int:
    """Print what came of each seed; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=len(ODDITIES))
    parser.add_argument(
        "--release", action="store_true", help="by the command line: runs, pages, diff, explain"
    )
    given = parser.parse_args()
    failures = 0
    for seed in range(given.seed, given.seed + given.count):
        begun = time.monotonic()
        names, failed = tried_release(seed) if given.release else tried(seed)
        failures += bool(failed)
        print(f"seed {seed}, {time.monotonic() - begun:.0f} s: {', '.join(names)}")
        print(f"    {failed or 'holds'}", flush=True)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
