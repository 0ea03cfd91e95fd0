"""F70: killed inside a transaction of the engine that builds the marts."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.crash_company import Company, fork_server, make_company
from tests.faults.test_machine_moments import _state, assert_converges


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


#: The model's rows are written and not committed when the marker comes, and for long after.
HOOKS = """
{{ config(post_hook=[
    "insert into {{ this }} select 'x' || range, 'x' || range, 1 from range(300000)",
    "copy (select 1) to 'MARKER'",
    "select sum(range) from range(1000000000000)",
]) }}
"""


@pytest.mark.parametrize("who", ["run", pytest.param("worker", marks=pytest.mark.deep)])
def test_f70_killed_inside_a_transaction_of_the_engine_the_next_start_converges(
    company: Company, processes: ForkServerContext, who: str
) -> None:
    mart = company.toy.project_dir / "models/marts/core/dim_customers.sql"
    good = mart.read_text(encoding="utf-8")
    company.land()
    build = company.toy.settings.build_dir
    marker = build / "written"
    mart.write_text(HOOKS.replace("MARKER", str(marker)) + good, encoding="utf-8")
    try:
        process = company.start(processes)
        assert process.pid is not None
        deadline = time.monotonic() + 110
        while not marker.exists() and process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert marker.exists(), company.said()
        (database,) = build.glob("*/warehouse.duckdb")
        writer = _holder_of(database)
        assert writer != process.pid
        os.kill(process.pid if who == "run" else writer, signal.SIGKILL)
        process.join(timeout=60)
    finally:
        mart.write_text(good, encoding="utf-8")
    if who == "worker":
        assert process.exitcode == 1
        assert "died; nothing was released" in company.said()
    # Whoever was killed, nobody writes any more.
    deadline = time.monotonic() + 20
    while Path(f"/proc/{writer}").exists() and _state(writer) != "Z":
        assert time.monotonic() < deadline, "the worker goes on without its run"
        time.sleep(0.05)
    marker.unlink(missing_ok=True)
    assert_converges(company, processes)


def _holder_of(database: Path) -> int:
    """The process that has the build's file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if link.readlink() == database:
                return int(link.parts[2])
    raise AssertionError(f"nobody has {database} open")
