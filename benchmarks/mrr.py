"""How long MRR takes, from raw to `fct_mrr_by_month`, and against which floor.

    python -m benchmarks.mrr --customers 100000 --months 36 --policies board_strict
    python -m benchmarks.mrr --customers 100000 --months 36 --policies all

A company is simulated and taken in once per folder. Measured is a process that runs dbt alone on
the models up to `fct_mrr_by_month`, and the same process on one tiny model: what dbt itself costs,
which no SQL can better. Two floors in the same run: a process that reads the columns needed once
from the accepted files and sums them, and a loop in plain Python, by which runs on machines of
different speed (or load) can be compared. CPU-seconds are what to quote; wall seconds depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.control import Control
from orchestration.dbt_runner import dbt_environment
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.policies import SEED
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_DIR, Settings, load_settings
from simulation.config import SimulationConfig
from simulation.run import simulate, write_company

AS_OF = date(2026, 10, 31)
FLOOR = """
select count(*), sum(amount), max(period_end) from raw_billing.invoice_line_items;
select count(*), max(updated_at), max(ended_at), max(status) from raw_billing.subscriptions;
select count(*), sum(quantity), max(updated_at) from raw_billing.subscription_items;
select count(*), sum(total), max(created) from raw_billing.invoices;
select count(*), sum(amount), max(created) from raw_billing.payments;
"""
LOOP = "x = 0\nfor i in range(20_000_000):\n    x += i * i"


@dataclass(frozen=True)
class Measured:
    """What a finished process used: seconds and bytes."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def measure(command: list[str], environment: dict[str, str]) -> Measured:
    """Run a command to its end and read what it used from the operating system.

    Raises:
        RuntimeError: it ended with another exit code than 0; its output is in the message.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace")[-4000:])
    return Measured(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024)


def prepare(folder: Path, customers: int, months: int) -> Settings:
    """A home with a simulated company that the gate has taken in."""
    settings = load_settings(
        {
            "HOLDFAST_HOME": str(folder / "home"),
            "HOLDFAST_LANDING": str(folder / "landing"),
            "HOLDFAST_AS_OF": AS_OF.isoformat(),
        }
    )
    if not settings.landing.exists():
        config = SimulationConfig(
            customers=customers, months=months, seed=1, as_of=AS_OF, events=customers
        )
        write_company(simulate(config), settings.landing, folder / "truth")
    database = settings.home / "warehouse.duckdb"
    database.unlink(missing_ok=True)
    with Control(settings.control_database) as control:
        run_gate(settings, control, "benchmark")
        with duckdb.connect(str(database)) as connection:
            create_raw(connection, load_contract(), control, settings)
    return settings


def dbt_command(settings: Settings, policies: list[str], command: str, *select: str) -> list[str]:
    """A dbt call on the benchmark's database."""
    variables = {
        **settings.dbt_vars(),
        "enabled_policies": policies,
        "official_policy": policies[0],
    }
    return [
        sys.executable,
        "-m",
        "dbt.cli.main",
        command,
        "--project-dir",
        str(DBT_PROJECT_DIR),
        "--profiles-dir",
        str(PROJECT_DIR),
        "--target-path",
        str(settings.home / "target"),
        "--vars",
        json.dumps(variables),
        *(("--select", *select) if select else ()),
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--policies", default="board_strict", help="ids by comma, or all")
    parser.add_argument("--folder", type=Path, help="keep the company here for the next run")
    arguments = parser.parse_args()
    with (DBT_PROJECT_DIR / SEED).open(newline="", encoding="utf-8") as lines:
        defined = [row["policy_id"] for row in csv.DictReader(lines)]
    policies = defined if arguments.policies == "all" else arguments.policies.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        settings = prepare(folder, arguments.customers, arguments.months)
        database = str(settings.home / "warehouse.duckdb")
        environment = dbt_environment(settings, Path(database), DBT_PROJECT_DIR)
        start = measure(dbt_command(settings, policies, "parse"), environment)
        measure(dbt_command(settings, policies, "seed"), environment)
        floor = measure(
            [
                sys.executable,
                "-c",
                f"import duckdb; duckdb.connect({database!r}, read_only=True).execute({FLOOR!r})",
            ],
            environment,
        )
        loop = measure([sys.executable, "-c", LOOP], environment)
        nothing = measure(
            dbt_command(settings, policies, "run", "int_metric_policy_computations"), environment
        )
        models = measure(
            dbt_command(settings, policies, "run", "+fct_mrr_by_month"),
            environment,
        )
    print(
        f"{arguments.customers:,} customers x {arguments.months} months, "
        f"{len(policies)} policies, {os.cpu_count()} cores"
    )
    print("| what | CPU s | wall s | peak GB | to the floor |")
    print("|---|---|---|---|---|")
    for name, row in (
        ("floor: read once", floor),
        ("20 million steps of Python", loop),
        ("dbt parse", start),
        ("dbt run of one tiny model", nothing),
        ("dbt run of all MRR models", models),
    ):
        print(
            f"| {name} | {row.cpu_seconds:.1f} | {row.wall_seconds:.1f} | "
            f"{row.peak_bytes / 2**30:.2f} | {row.cpu_seconds / floor.cpu_seconds:.1f} |"
        )


if __name__ == "__main__":
    main()
