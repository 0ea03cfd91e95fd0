"""A tiny company with the real pipeline, in a process that can be killed at any place.

Nothing of a run is stubbed: gate, raw views, Great Expectations, dbt, Dagster, seal, commit,
outbox. It is small in what it builds (one raw table, two models), and its processes are forked
from a server that has done the imports, which are most of what a run of this size costs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import duckdb
import yaml

from orchestration import cli, workers
from orchestration.control import Control
from orchestration.settings import DBT_PROJECT_DIR
from tests.faults import network
from tests.orchestration.toy import Toy, customer, make_toy, open_toy

SETTINGS = {
    "HOLDFAST_AS_OF": "2026-10-31",
    "HOLDFAST_MEMORY_LIMIT": "1GB",
    "HOLDFAST_THREADS": "2",
}
PRELOADED = [
    "dagster",
    "great_expectations",
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "pandas",
    "orchestration.definitions",
    "orchestration.refresh",
    "tests.faults.crash_company",
]


def fork_server() -> ForkServerContext:
    """The context whose processes begin with the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def make_company(folder: Path) -> Company:
    """A company that has landed nothing."""
    toy = make_toy(folder)
    for path in toy.project_dir.rglob("_*__sources.yml"):
        if path.name == "_billing__sources.yml":
            contract = yaml.safe_load(path.read_text(encoding="utf-8"))
            source = contract["sources"][0]
            source["tables"] = [t for t in source["tables"] if t["name"] == "customers"]
            path.write_text(yaml.safe_dump(contract), encoding="utf-8")
        else:
            path.unlink()
    assert DBT_PROJECT_DIR not in toy.project_dir.parents
    return Company(folder, toy)


@dataclass(frozen=True)
class Seen:
    """What a reader saw in one opening of the warehouse: one state, or it is torn."""

    customers: int
    rows_accepted: int
    runs: int


def _keys(kind: str, run_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Key and target of what runs say, one of each for each target."""
    return {
        (f"{run_id}/{kind}/{target}", target)
        for run_id in run_ids
        for target in ("notices", "webhook")
    }


@dataclass
class Company:
    """The company, how many customers it has landed, and how a run of it is started."""

    folder: Path
    toy: Toy
    landed: int = 0

    def land(self) -> None:
        """One more customer, in a file of its own."""
        self.landed += 1
        self.toy.land(f"{self.landed}.csv", customer(f"c{self.landed}", f"Ada {self.landed}"))

    def read(self) -> Seen | None:
        """What a reader sees now; None where there is no release yet."""
        return read(self.toy.settings.warehouse_link)

    def start(self, processes: ForkServerContext, **environ: str) -> ForkServerProcess:
        """A run in a process group of its own, as the command line would start it."""
        process = processes.Process(target=run, args=(self.folder, environ))
        process.start()
        return process

    def start_and_hold(self, processes: ForkServerContext) -> ForkServerProcess:
        """A run that has begun: it listens to signals, and holds the home.

        What was started may take seconds to come so far where others use the machine, and a process
        that no handler is set up in yet is simply ended by a signal.
        """
        process = self.start(processes)
        lock = self.toy.settings.home / "lock"
        deadline = time.monotonic() + 120
        # A run that was killed has left its own name there.
        while f'"pid": {process.pid},' not in lock.read_text(encoding="utf-8"):
            assert process.exitcode is None, self.said()
            assert time.monotonic() < deadline, "the run does not begin"
            time.sleep(0.02)
        return process

    def assert_whole(self, receiver: Receiver) -> None:
        """Everything that has landed is released, once, and everybody was told, of nothing else."""
        settings = self.toy.settings
        seen = self.read()
        assert seen is not None
        assert seen.customers == seen.rows_accepted == self.landed
        with Control(settings.control_database) as control:
            releases = control.releases()
            states = {run.run_id: run.state for run in control.runs()}
            control.audit_trail()
            told = control.connection.execute("select key, target, state from outbox").fetchall()
        assert [release.n for release in releases] == list(range(1, len(releases) + 1))
        assert {states[release.run_id] for release in releases} == {"released"}
        assert "running" not in states.values()
        on_disk = {path.name for path in settings.releases_dir.iterdir()}
        assert on_disk == {f"{release.n}.duckdb" for release in releases}
        # A run that was committed says so to each target, under one key. One whose worker was
        # killed has an end of its own, and may say that it was held.
        published = _keys("release_published", [release.run_id for release in releases])
        held = _keys("run_held", [run for run, state in states.items() if state == "failed"])
        keys = {(row["key"], row["target"]) for row in told}
        assert published <= keys <= published | held
        assert {row["state"] for row in told} == {"delivered"}
        lines = (settings.home / "notices.jsonl").read_text(encoding="utf-8").splitlines()
        written = [json.loads(line)["key"] for line in lines]
        assert sorted(written) == sorted(key for key, target in keys if target == "notices")
        assert set(receiver.ids) == {key for key, target in keys if target == "webhook"}

    def let_wait_pass(self) -> None:
        """What waits in the outbox is due, as it would be some time later."""
        with Control(self.toy.settings.control_database) as control:
            control.connection.execute("update outbox set next_attempt_at = null")

    def said(self) -> str:
        """What the last run printed."""
        return (self.folder / "said.txt").read_text(encoding="utf-8")

    def run(self, processes: ForkServerContext, **environ: str) -> int:
        """A run to its end; its exit code, negative where a signal ended it."""
        process = self.start(processes, **environ)
        # Long enough for a machine that many others use; a run of this size takes five seconds.
        process.join(timeout=400)
        if process.exitcode is None:
            process.kill()
            raise AssertionError("the run did not end")
        return process.exitcode


def read(link: Path) -> Seen | None:
    """Open the warehouse as a BI tool does, which follows the link once."""
    if not link.exists():
        return None
    with duckdb.connect(str(link.resolve()), read_only=True) as connection:
        row = connection.execute(
            "select (select count(*) from core.dim_customers),"
            " (select max(rows_accepted) from quality.run_log),"
            " (select count(*) from quality.run_log)"
        ).fetchone()
    assert row is not None
    return Seen(*row)


class Reader(threading.Thread):
    """Opens the warehouse again and again; remembers what was not one whole release."""

    def __init__(self, link: Path) -> None:
        super().__init__(daemon=True)
        self._link = link
        self._stop_reading = threading.Event()
        self.looks = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        before: Seen | None = None
        while not self._stop_reading.wait(0.15):
            try:
                seen = read(self._link)
            except Exception as error:
                self.wrong.append(repr(error))
                continue
            self.looks += 1
            if seen is None and before is not None:
                self.wrong.append("the warehouse went away")
            if seen is not None:
                if seen.customers != seen.rows_accepted:
                    self.wrong.append(f"not one state: {seen}")
                if before is not None and seen.runs < before.runs:
                    self.wrong.append(f"went back: {before} to {seen}")
            before = seen

    def stop(self) -> None:
        self._stop_reading.set()
        self.join()


class Receiver:
    """A webhook receiver on this machine; remembers each id and how often it came."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.payloads: dict[str, bytes] = {}
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answers.pop(0) if receiver.answers else 204
                if status < 300:
                    key = self.headers["webhook-id"]
                    receiver.ids[key] += 1
                    receiver.payloads.setdefault(key, body)
                    assert receiver.payloads[key] == body
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """What makes a run post here."""
        return {
            "HOLDFAST_WEBHOOK_URL": f"http://127.0.0.1:{self._server.server_address[1]}/hook",
            "HOLDFAST_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
            "HOLDFAST_SECRET_WEBHOOK": "not a secret at all",  # pragma: allowlist secret
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def run(folder: Path, environ: Mapping[str, str]) -> None:
    """One run by the command line; what it says goes to `said.txt`."""
    os.setpgid(0, 0)
    said = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    toy = open_toy(folder)
    os.environ.update(SETTINGS)
    os.environ["HOLDFAST_HOME"] = str(toy.settings.home)
    os.environ.update(environ)
    # The run's own workers come from the same server: processes of their own, imports done. By
    # itself a process that comes from a server starts one of its own, and imports all again; where
    # they are watched it shall, because what a server of before has made, nobody watches.
    workers.START_METHOD = "forkserver"
    if network.LOG in environ:
        network.watch()
    else:
        forkserver._forkserver.ensure_running = resource_tracker.ensure_running  # type: ignore[method-assign]
    code = cli.main(["run", "--project-dir", str(toy.project_dir)])
    sys.stdout.flush()
    raise SystemExit(code)
