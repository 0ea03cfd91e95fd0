"""Processes beside the run: their results, their lines, and their death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.errors import AuditError, HoldfastError
from orchestration.settings import PROJECT_DIR
from orchestration.workers import Worker, tell


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker("the test")
    yield one
    one.close()


def talk(text: str) -> int:
    tell(text)
    return os.getpid()


def refuse() -> None:
    raise AuditError("three rows are wrong")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_works_in_a_process_of_its_own_and_passes_lines_on(worker: Worker) -> None:
    lines: list[str] = []
    first = worker.result(worker.start(talk, "one"), lines.append)
    second = worker.result(worker.start(talk, "two"), lines.append)
    assert first == second != os.getpid()
    assert lines == ["one", "two"]


def test_an_error_comes_back_as_it_was_raised(worker: Worker) -> None:
    with pytest.raises(AuditError, match="three rows are wrong"):
        worker.do(refuse)


def test_a_process_that_dies_is_a_clear_error(worker: Worker) -> None:
    with pytest.raises(HoldfastError, match="the test died; nothing was released"):
        worker.do(die)


def test_it_finds_the_project_though_the_program_was_started_elsewhere(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(PROJECT_DIR)!r})
from orchestration.landing.contract import load_contract
from orchestration.workers import Worker
sys.path.remove({str(PROJECT_DIR)!r})
worker = Worker("the test")
print(len(worker.do(load_contract).tables) > 20)
worker.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "True\n", done.stderr
