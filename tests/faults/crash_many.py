"""Kill a real run hundreds of times, at every place and at any moment: `make test-crash`.

Half of the kills are at a named place (any of its visits, in whatever process comes to it), half
at a random moment of the run. After one to three kills in a row a start is let go to its end, and
everything is looked at. The seed is printed; the same seed makes the same choices. Ctrl-C, or a
SIGTERM, ends it after the recovery that is under way, with the report of what was done.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.faults.crash_company import Company, Reader, Receiver, fork_server, make_company

#: A start after a kill may take so many seconds more than a run that nobody disturbs.
PATIENCE = 5.0
TELL_EVERY = 10


class Campaign:
    """One company that is killed until it has been killed often enough."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.processes: ForkServerContext = fork_server()
        self.company: Company = make_company(folder)
        self.receiver = Receiver()
        self.kills: Counter[str] = Counter()
        self.normal: list[float] = []
        self.recovered: list[tuple[float, float]] = []
        self.slow: list[str] = []
        self.places: list[str] = []
        self.is_told_to_end = False

    def begin(self) -> None:
        """Two clean runs: the places that a run comes to, and how long it takes."""
        log = self.company.folder / "points"
        for _ in range(2):
            self.company.land()
            log.unlink(missing_ok=True)
            self.normal.append(self._complete(HOLDFAST_FAILPOINT_LOG=str(log)))
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
        if seconds > self.normal[-1] + PATIENCE:
            # Other processes may have the machine: what is normal now, and is it slow by that?
            company.land()
            self.normal.append(self._complete())
            if seconds > self.normal[-1] + PATIENCE:
                self.slow.append(f"{seconds:.1f} s, else {self.normal[-1]:.1f} s, after {story}")
        self.recovered.append((seconds, self.normal[-1]))

    def _kill(self) -> str:
        if self.random.random() < 0.5:
            place = self.random.choice(self.places)
            exit_code = self._run(HOLDFAST_FAILPOINT=place)
            # Not every run comes to every place: where nothing is new, it ends early.
            self.kills[place.split(":")[0] if exit_code else "not reached"] += 1
            return place
        # Of a run that others slowed down, most moments would come after its end.
        moment = self.random.uniform(0, min(self.normal))
        process = self.company.start(self.processes, **self.receiver.settings)
        process.join(timeout=moment)
        if process.exitcode is not None:
            self.kills["not reached"] += 1
            return "it had ended"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        self.kills["any moment"] += 1
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
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parsed = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-crash-"))
    print(f"seed {parsed.seed}, in {folder}", flush=True)
    campaign = Campaign(folder, parsed.seed)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(campaign, "is_told_to_end", True))
    campaign.begin()
    print(f"{len(campaign.places)} places; a run takes {campaign.normal[-1]:.1f} s", flush=True)
    told, begun = 0, time.monotonic()
    while _kills(campaign) < parsed.kills and not campaign.is_told_to_end:
        campaign.strike()
        if (done := _kills(campaign)) - told >= TELL_EVERY:
            told = done
            each = (time.monotonic() - begun) / done
            print(f"{done} kills, {each:.1f} s each; {_recoveries(campaign)}", flush=True)
    _report(campaign)
    campaign.receiver.close()
    if campaign.slow:
        return 1
    shutil.rmtree(folder)
    return 0 if _kills(campaign) >= parsed.kills else 130


def _kills(campaign: Campaign) -> int:
    return campaign.kills.total() - campaign.kills["not reached"]


def _recoveries(campaign: Campaign) -> str:
    """How long the starts after kills took, beside the normal run that was measured last."""
    recovered = campaign.recovered
    more = sorted(seconds - normal for seconds, normal in recovered)
    ratios = sorted(seconds / normal for seconds, normal in recovered)
    return (
        f"{len(recovered)} recoveries: median {ratios[len(ratios) // 2]:.2f} times the normal run, "
        f"longest {ratios[-1]:.2f} times; {more[-1]:+.1f} s at most"
    )


def _report(campaign: Campaign) -> None:
    print(f"{_kills(campaign)} kills, none torn, lost or doubled.")
    print(f"Normal run {min(campaign.normal):.1f} to {max(campaign.normal):.1f} s.")
    if campaign.recovered:
        print(f"{_recoveries(campaign)} ({PATIENCE:.0f} s are allowed).")
    for name, count in sorted(campaign.kills.items()):
        print(f"  {count:4}  {name}")
    for line in campaign.slow:
        print(f"  too slow: {line}")


if __name__ == "__main__":
    sys.exit(main())
