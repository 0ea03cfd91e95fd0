"""One command for all benchmarks.

    python -m benchmarks --size S
    python -m benchmarks --size M --folder data/benchmark-M --parts refreshes
    python -m benchmarks --size S --page docs/benchmarks.md

Every figure is CPU-seconds, wall seconds and peak memory of a process and all that it starts, and
is held against a floor that was measured in the same run: the ratio travels from machine to
machine, seconds do not. The company stays in its folder for the next run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.company import SIZES, make_company
from benchmarks.figures import Record
from benchmarks.page import machine, write_page
from benchmarks.parts import ON_DEMAND, PARTS, Bench, as_json


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--size", choices=SIZES, default="S", help="S, M or L (S)")
    parser.add_argument("--customers", type=int, help="another number than the size has")
    parser.add_argument("--months", type=int, help="another number than the size has")
    parser.add_argument("--events", type=int, help="another number than the size has")
    parser.add_argument("--policies", default="board_strict", help="policy ids by comma")
    usual = ",".join(name for name in PARTS if name not in ON_DEMAND)
    parser.add_argument("--parts", default=usual, help=f"of {', '.join(PARTS)} ({usual})")
    parser.add_argument("--folder", type=Path, help="holds the company and its homes; is kept")
    parser.add_argument("--page", type=Path, help="Markdown file that gets the result")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it where it is asked for.

    A part that fails is told, and the others are measured all the same; the exit code is 1 then.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    wanted = given.parts.split(",")
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    size = SIZES[given.size]
    named = {name: getattr(given, name) for name in ("customers", "months", "events")}
    size = replace(size, **{name: value for name, value in named.items() if value is not None})
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="holdfast-benchmark-") as scratch:
        folder = given.folder or Path(scratch)
        print(
            f"{size.name}: {size.customers:,} customers x {size.months} months, {size.events:,} "
            f"events, {given.policies}; {machine()}",
            flush=True,
        )
        bench = Bench(make_company(size, folder), given.policies, Record())
        for name, part in PARTS.items():
            if name in wanted:
                try:
                    part(bench)
                except (RuntimeError, OSError) as error:
                    failed.append(name)
                    print(f"\n{name} failed: {error}\n", file=sys.stderr, flush=True)
                written = bench.company.folder / "figures.json"
                written.write_text(as_json(bench), encoding="utf-8")
    if given.page and not failed:
        write_page(given.page, size, bench)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
