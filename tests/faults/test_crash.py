"""F69: killed at any place of a real run, nothing is torn, and the next start goes on by itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext

import pytest

from tests.faults.crash_company import Company, Reader, Receiver, fork_server, make_company
from tests.support.postgres import PostgresServer, postgres_server, why_no_server

#: Those of the database of BI tools, where this machine can start one.
POSTGRES_POINTS = (
    "postgres.connected",
    "postgres.prepared",
    "postgres.schema_made",
    "postgres.table_loaded",
    "postgres.keyed",
    "postgres.loaded",
    "postgres.compared",
    "postgres.flipping",
    "postgres.flipped",
    "postgres.published",
    "postgres.recorded",
)
#: The places that a run comes to, in the order of a first run; those of the workers among them.
POINTS = (
    "run.locked",
    "run.recorded",
    "gate.listed",
    "gate.hashed",
    "gate.accepted_written",
    "gate.accepted_renamed",
    "gate.file_recorded",
    "gate.listing_recorded",
    "dbt.parsed",
    "build.cleaned",
    "build.started",
    "raw.created",
    "raw.counted",
    "suite.raw_checked",
    "raw.checked",
    "dbt.starting",
    "dbt.node_finished",
    "dbt.built",
    "models.built",
    "suite.marts_checked",
    "marts.checked",
    "release.log_written",
    "seal.dropped",
    "seal.checkpointed",
    "seal.compacted",
    "seal.done",
    "commit.locked",
    "commit.moved",
    "commit.inserted",
    "commit.committed",
    "roll_forward.link_made",
    "roll_forward.link_replaced",
    "outbox.attempting",
    "notices.half_written",
    "outbox.delivered",
    "outbox.recorded",
    *(() if why_no_server() else POSTGRES_POINTS),
    "run.finished",
)
#: Come to beside the run, at no certain time, or in the first run only.
BESIDE = {"dbt.manifest_copied", "suite.pages_written", "postgres.cleaned"}
#: Each place is in one chain; each chain has four places from the beginning to the end of a run.
_CHAINS = -(-len(POINTS) // 4)
CHAINS = tuple(POINTS[first::_CHAINS] for first in range(_CHAINS))
#: Where a worker dies: the run ends by itself and says so.
IN_WORKERS = ("dbt.", "suite.")
#: The next start may take so many seconds more than a run takes.
PATIENCE = 5.0
ATTEMPTS = 3


@dataclass
class Bench:
    """A company with a release, its readers and receiver, and how long its runs take."""

    processes: ForkServerContext
    company: Company
    receiver: Receiver
    server: PostgresServer | None
    normal_seconds: float = 0.0

    def run(self, **environ: str) -> int:
        if self.server is not None:
            environ["HOLDFAST_POSTGRES_DSN"] = self.server.dsn()
        return self.company.run(self.processes, **self.receiver.settings, **environ)

    def assert_whole(self) -> None:
        """All of the company, and what BI tools see of it."""
        self.company.assert_whole(self.receiver)
        if self.server is not None:
            with self.server.connect() as connection:
                shown = connection.execute("select count(*) from core.dim_customers").fetchone()
            assert shown == (self.company.landed,)

    def timed(self) -> float:
        start = time.monotonic()
        assert self.run() == 0, self.company.said()
        return time.monotonic() - start


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    receiver = Receiver()
    company = make_company(tmp_path_factory.mktemp("company"))
    with postgres_server() if not why_no_server() else nullcontext() as server:
        yield from _benches(Bench(fork_server(), company, receiver, server))
    receiver.close()


def _benches(made: Bench) -> Iterator[Bench]:
    """The bench after two clean runs; the first of them says what places there are."""
    log = made.company.folder / "points"
    made.company.land()
    assert made.run(HOLDFAST_FAILPOINT_LOG=str(log)) == 0, made.company.said()
    made.company.land()
    made.normal_seconds = made.timed()
    yield made


def test_f69_the_places_are_those_that_a_run_comes_to(bench: Bench) -> None:
    visited = (bench.company.folder / "points").read_text(encoding="utf-8").split()
    assert set(visited) - BESIDE == set(POINTS)
    assert {point for chain in CHAINS for point in chain} == set(POINTS)
    assert len(POINTS) >= 25


@pytest.mark.parametrize("points", CHAINS, ids=" ".join)
def test_f69_killed_again_and_again_the_next_start_converges(
    bench: Bench, points: tuple[str, ...]
) -> None:
    """The start after a kill goes on to a later place, is killed there, and so on to the end."""
    for _ in range(ATTEMPTS):
        seconds = _kill_at_each_and_converge(bench, points)
        if seconds <= bench.normal_seconds + PATIENCE:
            return
        # Other processes may have the machine: take the normal time of now, and try once more.
        bench.company.land()
        bench.normal_seconds = bench.timed()
    pytest.fail(f"after {points} a start takes {seconds:.1f} s, else {bench.normal_seconds:.1f} s")


def _kill_at_each_and_converge(bench: Bench, points: tuple[str, ...]) -> float:
    """Seconds that the start after the last kill took."""
    company = bench.company
    company.land()
    readers = Reader(company.toy.settings.warehouse_link)
    readers.start()
    for point in points:
        exit_code = bench.run(HOLDFAST_FAILPOINT=point)
        if point.startswith(IN_WORKERS):
            assert exit_code == 1
            assert "died; nothing was released" in company.said()
            assert "Traceback" not in company.said()
        else:
            assert exit_code == -signal.SIGKILL, (point, company.said())
    seconds = bench.timed()
    readers.stop()
    assert readers.wrong == []
    assert readers.looks > 0
    bench.assert_whole()
    return seconds


def test_f69_a_kill_between_delivery_and_its_record_says_it_again_under_the_same_key(
    bench: Bench,
) -> None:
    company = bench.company
    company.land()
    # The second delivery of the run is the webhook's.
    assert bench.run(HOLDFAST_FAILPOINT="outbox.delivered:2") == -signal.SIGKILL
    assert bench.run() == 0
    bench.assert_whole()
    assert sorted(bench.receiver.ids.values())[-1] == 2


def test_f85_a_receiver_that_fails_holds_up_neither_the_release_nor_the_other_target(
    bench: Bench,
) -> None:
    company = bench.company
    company.land()
    bench.receiver.answers = [500]
    assert bench.run() == 0
    assert "webhook: not delivered (127.0.0.1 answered 500); the release stands" in company.said()
    seen = company.read()
    assert seen is not None
    assert seen.customers == company.landed
    company.let_wait_pass()
    assert bench.run() == 0
    bench.assert_whole()
