"""Kill a real run hundreds of times, at every place and at any moment: `make test-crash`.

Half of the kills are at a named place (any of its visits, in whatever process comes to it), half
at a random moment of the run. After one to three kills in a row a start is let go to its end, and
everything is looked at. Several companies are killed side by side, each by a seed of its own, which
is printed; the same seed makes the same choices. Ctrl-C, or a SIGTERM, ends it after the recoveries
that are under way, with the report of what was done.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import reduce
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.faults.crash_company import Company, Reader, Receiver, fork_server, make_company

#: A start after a kill may take so many seconds more than a run that nobody kills; more of them
#: while others have the machine, as many times more as a normal run takes longer then.
PATIENCE = 5.0
TELL_EVERY = 10


@dataclass(frozen=True)
class Outcome:
    """What came of the kills of one company, or of several together."""

    kills: Counter[str]
    normal: list[float]
    recovered: list[tuple[float, float]]
    slow: list[str]

    @property
    def killed(self) -> int:
        """How many kills met a run."""
        return self.kills.total() - self.kills["not reached"]

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.kills + other.kills,
            self.normal + other.normal,
            self.recovered + other.recovered,
            self.slow + other.slow,
        )


class Campaign:
    """One company that is killed until it has been killed often enough."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.processes: ForkServerContext = fork_server()
        self.company: Company = make_company(folder)
        self.receiver = Receiver()
        self.outcome = Outcome(Counter(), [], [], [])
        self.places: list[str] = []
        self.is_told_to_end = False

    def begin(self) -> None:
        """Two clean runs: the places that a run comes to, and how long it takes."""
        log = self.company.folder / "points"
        for _ in range(2):
            self.company.land()
            log.unlink(missing_ok=True)
            self.outcome.normal.append(self._complete(HOLDFAST_FAILPOINT_LOG=str(log)))
        visits: Counter[str] = Counter()
        for name in log.read_text(encoding="utf-8").split():
            visits[name] += 1
            self.places.append(f"{name}:{visits[name]}")

    def strike(self) -> None:
        """One to three kills, a start to its end, and a look at everything."""
        company = self.company
        company.land()
        readers = Reader(company.toy.settings.warehouse_link)
        readers.start()
        story = [self._kill() for _ in range(self.random.choice((1, 1, 2, 3)))]
        seconds = self._complete()
        readers.stop()
        assert readers.wrong == [], (story, readers.wrong)
        company.assert_whole(self.receiver)
        if self._is_slow(seconds):
            said = company.said()
            # Other processes may have the machine: what is normal now, and is it slow by that?
            company.land()
            self.outcome.normal.append(self._complete())
            if self._is_slow(seconds):
                self.outcome.slow.append(
                    f"{seconds:.1f} s, else {self.outcome.normal[-1]:.1f} s, after {story}\n{said}"
                )
        self.outcome.recovered.append((seconds, self.outcome.normal[-1]))

    def _is_slow(self, seconds: float) -> bool:
        normal = self.outcome.normal
        return seconds > normal[-1] + PATIENCE * normal[-1] / min(normal)

    def _kill(self) -> str:
        if self.random.random() < 0.5:
            place = self.random.choice(self.places)
            exit_code = self._run(HOLDFAST_FAILPOINT=place)
            # Not every run comes to every place: where nothing is new, it ends early.
            self.outcome.kills[place.split(":")[0] if exit_code else "not reached"] += 1
            return place
        # Of a run that others slowed down, most moments would come after its end.
        moment = self.random.uniform(0, min(self.outcome.normal))
        process = self.company.start(self.processes, **self.receiver.settings)
        process.join(timeout=moment)
        if process.exitcode is not None:
            self.outcome.kills["not reached"] += 1
            return "it had ended"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        self.outcome.kills["any moment"] += 1
        return f"{moment:.2f} s"

    def _run(self, **environ: str) -> int:
        return self.company.run(self.processes, **self.receiver.settings, **environ)

    def _complete(self, **environ: str) -> float:
        start = time.monotonic()
        exit_code = self._run(**environ)
        assert exit_code == 0, f"exit code {exit_code}: {self.company.said()}"
        return time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, and say what came of it; 1 where anything was torn, lost, doubled or slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="of all companies together")
    # A run keeps two cores busy: with more companies than that each waits for the others.
    pairs = max(1, (os.cpu_count() or 1) // 2)
    parser.add_argument("--companies", type=int, default=pairs, help="killed side by side")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parsed = parser.parse_args(arguments)
    each = -(-parsed.kills // parsed.companies)
    with ProcessPoolExecutor(
        parsed.companies, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        campaigns = [
            pool.submit(kill_often, each, parsed.seed + number)
            for number in range(parsed.companies)
        ]
        # A Ctrl-C reaches the companies by itself, a SIGTERM is meant for this process alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: _tell(pool))
        outcome = reduce(Outcome.__add__, (campaign.result() for campaign in campaigns))
    _report(outcome)
    if outcome.slow:
        return 1
    return 0 if outcome.killed >= parsed.kills else 130


def kill_often(kills: int, seed: int) -> Outcome:
    """Kill one company so often, and tell how far it is.

    Raises:
        AssertionError: Something is torn, lost or doubled; the company's folder is kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdfast-crash-"))
    print(f"seed {seed}, in {folder}", flush=True)
    campaign = Campaign(folder, seed)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(campaign, "is_told_to_end", True))
    campaign.begin()
    outcome = campaign.outcome
    print(f"seed {seed}: {len(campaign.places)} places; a run takes {outcome.normal[-1]:.1f} s")
    told, begun = 0, time.monotonic()
    while outcome.killed < kills and not campaign.is_told_to_end:
        campaign.strike()
        if outcome.killed - told >= TELL_EVERY:
            told = outcome.killed
            each = (time.monotonic() - begun) / told
            print(
                f"seed {seed}: {told} kills, {each:.1f} s each; {_recoveries(outcome)}", flush=True
            )
    campaign.receiver.close()
    if not outcome.slow:
        shutil.rmtree(folder)
    return outcome


def _tell(pool: ProcessPoolExecutor) -> None:
    for pid in list(pool._processes):
        os.kill(pid, signal.SIGTERM)


def _recoveries(outcome: Outcome) -> str:
    """How long the starts after kills took, beside the normal run that was measured last."""
    more = sorted(seconds - normal for seconds, normal in outcome.recovered)
    ratios = sorted(seconds / normal for seconds, normal in outcome.recovered)
    return (
        f"{len(ratios)} recoveries: median {ratios[len(ratios) // 2]:.2f} times the normal run, "
        f"longest {ratios[-1]:.2f} times; {more[-1]:+.1f} s at most"
    )


def _report(outcome: Outcome) -> None:
    print(f"{outcome.killed} kills, none torn, lost or doubled.")
    print(f"Normal run {min(outcome.normal):.1f} to {max(outcome.normal):.1f} s.")
    if outcome.recovered:
        of = f"{PATIENCE:.0f} s are allowed of a run of {min(outcome.normal):.1f} s"
        print(f"{_recoveries(outcome)} ({of}).")
    for name, count in sorted(outcome.kills.items()):
        print(f"  {count:4}  {name}")
    for line in outcome.slow:
        print(f"  too slow: {line}")


if __name__ == "__main__":
    sys.exit(main())
