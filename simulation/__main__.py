"""Command line: `python -m simulation --landing DIR --truth DIR --customers N --months M ...`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from simulation.config import SimulationConfig, SimulationError
from simulation.run import simulate, write_company


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulation",
        description="Simulate a SaaS company: landing files of the raw contract, and, apart from "
        "them, the truth (MRR per customer and month, hidden engagement, true effects).",
    )
    parser.add_argument("--landing", type=Path, required=True, help="empty folder for the files")
    parser.add_argument("--truth", type=Path, required=True, help="empty folder for the truth")
    parser.add_argument("--customers", type=int, default=400, help="billing customers (400)")
    parser.add_argument("--months", type=int, default=24, help="months of life (24)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (1)")
    parser.add_argument("--as-of", type=_date, required=True, help="last day, YYYY-MM-DD")
    parser.add_argument("--events", type=int, help="product events (default: by engagement)")
    parser.add_argument("--batches", type=int, default=4, help="deliveries per table (4)")
    parser.add_argument("--workers", type=int, default=4, help="threads that write files (4)")
    parser.add_argument("--clean", action="store_true", help="no late, duplicate or corrected rows")
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date; use one such as 2026-10-31"
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 not written, 2 a wrong setting)."""
    given = _parser().parse_args(arguments)
    began = time.perf_counter()
    try:
        config = SimulationConfig(
            customers=given.customers,
            months=given.months,
            seed=given.seed,
            as_of=given.as_of,
            events=given.events,
            batches=given.batches,
            clean=given.clean,
            workers=given.workers,
        )
        files = write_company(simulate(config), given.landing, given.truth)
    except SimulationError as error:
        print(f"simulation: {error}", file=sys.stderr)
        return 2
    except (OSError, duckdb.IOException) as error:
        print(
            f"simulation: writing stopped: {error}\nWhat was written so far is not a whole "
            "company: remove it, make room, and run again.",
            file=sys.stderr,
        )
        return 1
    rows = sum(file.rows for file in files)
    print(
        f"Landed {rows:,} rows in {len(files)} files for {config.customers:,} customers over "
        f"{config.months} months (seed {config.seed}) in {time.perf_counter() - began:.1f} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
