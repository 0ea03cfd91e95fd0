"""Want of space at the moments when it hurts most: before the books are open, and at the commit.

A run is stopped at a place without being changed: the file that it writes its places to is a pipe,
and a run waits there until somebody reads on.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.crash_company import Company, fork_server, make_company

DISK = 96 << 20


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return fork_server()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Company:
    """A company with a release."""
    made = make_company(tmp_path_factory.mktemp("company"))
    made.land()
    assert made.run(processes) == 0, made.said()
    return made


@pytest.fixture
def small_disk(company: Company) -> Iterator[Path]:
    """The whole home on a small disk of its own, so that control.db and releases/ can fill it."""
    home = company.toy.settings.home
    aside = home.with_name("home-aside")
    home.rename(aside)
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(home)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        home.rmdir()
        aside.rename(home)
        pytest.skip("a disk of its own needs the right to mount")
    subprocess.run(["cp", "-a", f"{aside}/.", str(home)], check=True)
    yield home
    subprocess.run(["cp", "-a", f"{home}/.", str(aside)], check=True)
    subprocess.run(["umount", "--lazy", str(home)], check=True)
    home.rmdir()
    aside.rename(home)


def fill(disk: Path) -> Path:
    """Leave no byte; returns the file to remove."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                continue
    return filler


def run_until(company: Company, processes: ForkServerContext, place: str) -> tuple[int, Path]:
    """A run that has come to a place, and waits before it comes to the next; with its pipe."""
    pipe = company.folder / "places"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    process = company.start(processes, HOLDFAST_FAILPOINT_LOG=str(pipe))
    assert process.pid is not None
    seen = ""
    while place not in seen.split():
        with pipe.open(encoding="utf-8") as stream:
            seen += stream.read()
    return process.pid, pipe


def let_go(pipe: Path, pid: int) -> None:
    """Read on until the run has ended."""
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while Path(f"/proc/{pid}").exists() and "Z" not in _state(pid):
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 1 << 16)
            time.sleep(0.02)
    finally:
        os.close(reader)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def assert_converges(company: Company, processes: ForkServerContext) -> None:
    """The next start releases all that has landed; until then readers had what they had."""
    seen = company.read()
    assert seen is not None
    assert seen.customers == seen.rows_accepted < company.landed
    assert company.run(processes) == 0, company.said()
    seen = company.read()
    assert seen is not None
    assert seen.customers == seen.rows_accepted == company.landed
    numbers = sorted(int(p.stem) for p in company.toy.settings.releases_dir.glob("*.duckdb"))
    assert numbers == list(range(1, len(numbers) + 1))


def assert_said_clearly(company: Company) -> None:
    said = company.said()
    assert "space" in said.lower(), said
    assert "run again" in said, said
    assert "Restore it from a backup" not in said, said
    assert "Traceback" not in said, said


def test_f75_without_space_for_the_books_a_run_does_not_begin(
    company: Company, processes: ForkServerContext, small_disk: Path
) -> None:
    company.land()
    filler = fill(small_disk)
    exit_code = company.run(processes)
    assert exit_code in (3, 5, 74), company.said()
    assert_said_clearly(company)
    filler.unlink()
    assert_converges(company, processes)


# Deep: a run on a busy machine may be past the place before the pipe is seen to be closed.
@pytest.mark.deep
@pytest.mark.parametrize("place", ["commit.moved"])
def test_f75_without_space_at_the_commit_nothing_is_released(
    company: Company, processes: ForkServerContext, small_disk: Path, place: str
) -> None:
    """The file has moved to releases/ or is about to, and control.db cannot grow."""
    company.land()
    pid, pipe = run_until(company, processes, place)
    filler = fill(small_disk)
    let_go(pipe, pid)
    assert_said_clearly(company)
    filler.unlink()
    assert_converges(company, processes)
