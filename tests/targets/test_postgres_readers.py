"""Readers of the database see one whole release at every moment, whatever kills the publisher."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import PostgresServer
from tests.targets.company import MARTS, Company, publish_in_process, rows_of

#: The places that a publication comes to.
POINTS = (
    "postgres.connected",
    "postgres.prepared",
    "postgres.schema_made",
    "postgres.table_loaded",
    "postgres.keyed",
    "postgres.loaded",
    "postgres.compared",
    "postgres.flipping",
    "postgres.flipped",
    "postgres.cleaned",
    "postgres.published",
    "postgres.recorded",
)
READS = 2_000
PUBLIC = tuple(mart for mart in MARTS if mart.schema not in ("outreach", "quality"))


class Reader(threading.Thread):
    """A report that is run again and again: some begin long before they look at a mart."""

    def __init__(self, server: PostgresServer, seed: int) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._random = random.Random(seed)
        self._over = threading.Event()
        self.reads = 0
        self.seen: list[int] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        with self._server.connect("anna", autocommit=True) as connection:
            while not self._over.is_set():
                try:
                    self._read(connection)
                except psycopg.Error as error:
                    self.wrong.append(repr(error))
                    return
                # A report that has nothing open between two runs, as a BI tool with a cache.
                time.sleep(self._random.uniform(0, 0.004))

    def _read(self, connection: psycopg.Connection[object]) -> None:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            if self._random.random() < 0.2:
                # Its snapshot is older than what it is going to read.
                connection.execute("select count(*) from pg_class")
                time.sleep(self._random.uniform(0, 0.3))
            looks = {
                mart.name: "select min(of_release), max(of_release), count(*), max(of_rows)"
                f" from {mart.schema}.{mart.name}"
                for mart in PUBLIC
            }
            looks["current_release"] = "select release_n, release_n, 1, 1 from ops.current_release"
            order = list(looks)
            self._random.shuffle(order)
            found = {name: connection.execute(looks[name]).fetchone() for name in order}
        self.reads += 1
        numbers = {row[0] for row in found.values()} | {row[1] for row in found.values()}
        counts_are_right = all(row[2] == row[3] for row in found.values())
        if len(numbers) != 1 or not counts_are_right:
            self.wrong.append(f"mixed or empty: {found}")
            return
        number = int(numbers.pop())
        if self.seen and number < self.seen[-1]:
            self.wrong.append(f"back from {self.seen[-1]} to {number}")
        if not self.seen or number != self.seen[-1]:
            self.seen.append(number)

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.mark.fault("F69", "F79", "F81", "I20")
def test_readers_see_one_whole_release_while_the_publisher_is_killed_again_and_again(
    server: PostgresServer, company: Company
) -> None:
    chance = random.Random(20261122)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.targets.company"])
    company.release()
    assert not company.publish().is_behind
    with server.connect() as admin:
        admin.execute("create role anna login")
        admin.execute("grant bi_reader to anna")
    readers = [Reader(server, seed) for seed in range(4)]
    for reader in readers:
        reader.start()
    started, kills = time.monotonic(), 0
    points = list(POINTS)
    chance.shuffle(points)
    while points or sum(reader.reads for reader in readers) < READS:
        company.release()
        for point in [points.pop() if points else None, None][: chance.choice((1, 2))]:
            process = processes.Process(
                target=publish_in_process,
                args=(company, {"HOLDFAST_FAILPOINT": point} if point else {}),
            )
            process.start()
            process.join(timeout=60 if point else chance.uniform(0.02, 0.5))
            if process.exitcode is None:
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                process.join()
            kills += process.exitcode == -signal.SIGKILL
            assert process.exitcode == -signal.SIGKILL or point is None, point
        if chance.random() < 0.5:
            state = company.publish()
            assert not state.is_behind, state
    state = company.publish()
    for reader in readers:
        reader.stop()
    assert [reader.wrong for reader in readers] == [[], [], [], []]
    reads = sum(reader.reads for reader in readers)
    assert reads >= READS
    assert kills >= len(POINTS)
    assert not state.is_behind
    # Nothing is left of what was begun: the live schema is the only one.
    with server.connect() as admin:
        hidden = admin.execute("select nspname from pg_namespace where nspname like 'rel%'")
        live = admin.execute(
            "select hidden_schema from ops.publication order by publication_id desc limit 1"
        )
        assert hidden.fetchall() == live.fetchall()
    print(f"{reads} reads, {kills} kills in {time.monotonic() - started:.1f} s")


@pytest.mark.fault("I20")
def test_a_report_that_began_before_a_publication_sees_all_of_it_after(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    with server.connect() as report:
        report.execute("set transaction isolation level repeatable read")
        report.execute("select count(*) from pg_class")
        company.release()
        assert not company.publish().is_behind
        (count,) = report.execute("select count(*) from core.dim_customers").fetchone() or (0,)
        (number,) = report.execute("select release_n from ops.current_release").fetchone() or (0,)
    assert (number, count) == (2, rows_of(2))


def test_the_places_are_those_that_a_publication_comes_to(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.release()
    company.publish()
    company.release()
    log = tmp_path / "points"
    monkeypatch.setenv("HOLDFAST_FAILPOINT_LOG", str(log))
    company.publish()
    assert set(log.read_text("utf-8").split()) == set(POINTS)
