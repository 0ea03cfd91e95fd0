"""`python -m tests.mutation [--mutants N] [--seed S ...] [--workers W] [--histories H]`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from tests.mutation import report
from tests.mutation.chain import Chain, Prepared, unharmed
from tests.mutation.mutators import KINDS, parse, render
from tests.mutation.scenarios import prepare, scenarios
from tests.mutation.trial import Outcome, all_mutants, judge_all, sample

DEFAULT_MUTANTS = 120
DEFAULT_SEEDS = (1, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants; 0 when at least 95 % were caught, each survivor is explained, and no explanation
    is of a mutant that was caught.
    """
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-mutation-"))
    try:
        return _run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=DEFAULT_MUTANTS, help="of each seed; 0: all")
    parser.add_argument("--seed", type=int, nargs="+", default=DEFAULT_SEEDS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--histories", type=int, default=240, help="random histories in all")
    parser.add_argument("--model", default="", help="only models whose name contains this")
    parser.add_argument("--kind", choices=KINDS, help="only changes of this kind")
    parser.add_argument("--no-page", action="store_true", help="leave the page of the docs alone")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, folder: Path) -> int:
    started = time.monotonic()
    prepared, differing = _prepare(options, folder)
    harmed = [line for one in prepared for line in _round_trip(one)]
    if harmed:
        print("parsing and writing the SQL changes it:", *harmed, sep="\n  ")
        return 1
    every = [
        mutant
        for mutant in all_mutants(prepared[0])
        if options.model in mutant.model and options.kind in (None, mutant.site.kind)
    ]
    count = options.mutants or len(every)
    chosen = list(dict.fromkeys(one for seed in options.seed for one in sample(every, count, seed)))
    print(f"{len(chosen)} of {len(every)} mutants, after {time.monotonic() - started:.0f} s")
    outcomes: list[Outcome] = []
    for outcome in judge_all(prepared, chosen, options.workers):
        outcomes.append(outcome)
        if outcome.caught_by is None:
            site = outcome.mutant.site
            place = f"{outcome.mutant.path}:{outcome.mutant.line}"
            print(f"survived: {place} {site.before} → {site.after}", flush=True)
    reasons = report.explanations()
    print(*report.tables(outcomes), "", sep="\n")
    print(*report.survivor_lines(outcomes, reasons), "", sep="\n")
    for one in report.wrongly_explained(outcomes, reasons):
        print(f"explained, but caught by {one.caught_by}: {report.key_of(one.mutant)}")
    print(f"{report.summary(outcomes, reasons)} in {time.monotonic() - started:.0f} s; "
          f"{len(report.unexplained(outcomes, reasons))} survivors unexplained")  # fmt: skip
    if not options.no_page:
        seeds = " ".join(map(str, options.seed))
        how = f"python -m tests.mutation --mutants {options.mutants} --seed {seeds}"
        report.PAGE.write_text(report.page(outcomes, reasons, how, differing), encoding="utf-8")
    return 0 if report.is_good(outcomes, reasons) else 1


def _prepare(options: argparse.Namespace, folder: Path) -> tuple[list[Prepared], list[str]]:
    """All databases, side by side, each with what the oracle says otherwise of it."""
    planned = scenarios(options.histories)
    folders = [folder / str(number) for number in range(len(planned))]
    workers = min(options.workers, len(planned))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(prepare, planned, folders))
    differing = [line for _, lines in found for line in lines]
    for line in differing[:5]:
        print(f"not as the oracle expects: {line[:300]}")
    if differing:
        print(f"{len(differing)} such findings: there mutants are held against the models as built")
    return [_without_failing(one, differing) for one, _ in found], differing


def _without_failing(prepared: Prepared, differing: list[str]) -> Prepared:
    """The database without the checks and tests that fail without any mutant; they are noted."""
    chain = Chain(prepared)
    failing = chain.failing()
    chain.close()
    for line in failing:
        print(f"fails without any mutant: {prepared.name}: {line}")
        differing.append(f"{prepared.name}: {line}")
    return replace(
        prepared,
        checks=tuple(
            one for one in prepared.checks
            if not any(line.startswith(f"hand case {one.case}:") for line in failing)
        ),
        nodes=tuple(
            one for one in prepared.nodes if one.is_model or f"data test {one.name}" not in failing
        ),
    )  # fmt: skip


def _round_trip(prepared: Prepared) -> list[str]:
    chain = Chain(prepared)
    try:
        return unharmed(
            chain,
            prepared.models,
            {node.name: render(parse(node.sql)) for node in prepared.models if node.is_mutated},
        )
    finally:
        chain.close()


if __name__ == "__main__":
    sys.exit(main())
