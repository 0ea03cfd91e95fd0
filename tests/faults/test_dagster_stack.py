"""F77: a real `dagster dev`, runs launched by GraphQL, and everything of it killed in turn."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TypeVar

import pytest

from orchestration.settings import PROJECT_DIR
from tests.faults.crash_company import SETTINGS, Company, fork_server, make_company

pytestmark = pytest.mark.deep
Found = TypeVar("Found")
LAUNCH = """
mutation ($repository: String!, $location: String!) {
  launchRun(executionParams: {selector: {repositoryName: $repository,
      repositoryLocationName: $location, jobName: "refresh"}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
REPOSITORIES = (
    "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
)
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def wait_for(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not after {seconds} seconds")


@dataclass
class Stack:
    """A webserver, a daemon and a code server, in a process group of their own."""

    company: Company
    port: int
    process: subprocess.Popen[bytes]

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer of GraphQL; None while nobody answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def launch(self) -> str:
        """Launch a refresh; its Dagster run id."""

        def repository() -> Any:
            answer = self.ask(REPOSITORIES)
            nodes = answer["repositoriesOrError"].get("nodes") if answer else None
            return nodes[0] if nodes else None

        node = wait_for(repository, 240, "the webserver and its code")
        names = {"repository": node["name"], "location": node["location"]["name"]}
        launched = self.ask(LAUNCH, **names)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def wait_until(self, run_id: str, status: str, seconds: float) -> None:
        """Wait until a run has a status."""

        def reached() -> bool | None:
            answer = self.ask(STATUS, id=run_id)
            seen = answer["runOrError"].get("status") if answer else None
            assert seen in (status, "QUEUED", "STARTING", "STARTED", None), seen
            return True if seen == status else None

        wait_for(reached, seconds, f"{run_id} {status}")

    def worker(self) -> int:
        """The process that holds the home, as soon as one does."""

        def held() -> int | None:
            text = (self.company.toy.settings.home / "lock").read_text()
            return int(json.loads(text)["pid"]) if text else None

        return wait_for(held, 240, "a run that holds the home")

    def kill(self) -> None:
        """SIGKILL for everybody: webserver, daemon, code server, worker; till nobody is left."""
        while alive := self._processes():
            for number in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            # Where this process is their parent, they are there till somebody asks for them.
            self.process.poll()
            time.sleep(0.1)
        self.process.wait()

    def _processes(self) -> list[int]:
        """Everybody who has the environment of the stack (the dead, who wait, have none)."""
        mark = f"TOY_FOLDER={self.company.folder}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found


def start(company: Company) -> Stack:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = company.toy.settings.home
    environ = {
        **os.environ,
        **SETTINGS,
        "HOLDFAST_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        "TOY_FOLDER": str(company.folder),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "--host", "127.0.0.1"]
    command += ["--port", str(port), "-m", "tests.faults.toy_definitions"]
    with (company.folder / "stack.txt").open("ab") as said:
        process = subprocess.Popen(
            command, env=environ, cwd=PROJECT_DIR, stdout=said, stderr=said, start_new_session=True
        )
    return Stack(company, port, process)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return fork_server()


@pytest.fixture
def stack(tmp_path: Path, processes: ForkServerContext) -> Iterator[Stack]:
    company = make_company(tmp_path)
    company.land()
    assert company.run(processes) == 0, company.said()
    started = start(company)
    yield started
    started.kill()


def customers(company: Company) -> int:
    seen = company.read()
    assert seen is not None
    assert seen.customers == seen.rows_accepted
    return seen.customers


def test_f77_worker_and_stack_are_killed_and_nobody_waits_for_the_dead(
    stack: Stack, processes: ForkServerContext
) -> None:
    company = stack.company
    # The worker alone: Dagster notices within a minute, and the next run goes through.
    company.land()
    first = stack.launch()
    os.kill(stack.worker(), signal.SIGKILL)
    begun = time.monotonic()
    stack.wait_until(first, "FAILURE", 120)
    print(f"a killed worker is called failed after {time.monotonic() - begun:.0f} s")
    assert customers(company) == 1
    stack.wait_until(stack.launch(), "SUCCESS", 400)
    assert customers(company) == 2

    # The whole stack, in the middle of a run that its history calls STARTED for ever: once when
    # the run has the lock, once before it comes there. A new stack is not held up by either.
    for landed, is_at_the_lock in ((3, True), (4, False)):
        company.land()
        left = stack.launch()
        stack.wait_until(left, "STARTED", 60)
        if is_at_the_lock:
            stack.worker()
        stack.kill()
        assert customers(company) == landed - 1
        again = start(company)
        stack.process, stack.port = again.process, again.port
        stack.wait_until(stack.launch(), "SUCCESS", 400)
        stack.wait_until(left, "FAILURE", 60)
        assert customers(company) == landed

    # Nor is the command line.
    company.land()
    stack.launch()
    stack.worker()
    stack.kill()
    assert company.run(processes) == 0, company.said()
    assert customers(company) == 5
