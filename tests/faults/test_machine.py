"""What the machine does to a run: no space, no memory, a polite kill, a clock that goes back."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from orchestration.control import Control
from orchestration.errors import MachineError
from orchestration.machine import lack_of
from tests.faults.crash_company import Company


def assert_unchanged_then_converges(company: Company, processes: ForkServerContext) -> None:
    """Readers have what they had; with the want gone, the next start releases everything."""
    seen = company.read()
    assert seen is not None
    assert seen.customers == seen.rows_accepted < company.landed
    assert company.run(processes) == 0, company.said()
    seen = company.read()
    assert seen is not None
    assert seen.customers == seen.rows_accepted == company.landed


@pytest.fixture
def full_disk(company: Company, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder of the home on a disk of its own that has no space left."""
    folder = company.toy.settings.home / request.param
    folder.mkdir(exist_ok=True)
    kept = company.folder / "kept"
    shutil.copytree(folder, kept)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        shutil.rmtree(kept)
        pytest.skip("a disk of its own needs the right to mount")
    with (folder / "filler").open("wb", buffering=0) as stream:
        os.posix_fallocate(stream.fileno(), 0, 255 * 1024)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    shutil.rmtree(kept)


@pytest.mark.parametrize(
    "full_disk",
    ["build", *(pytest.param(at, marks=pytest.mark.deep) for at in ("accepted", "dbt", "dagster"))],
    indirect=True,
)
def test_f75_without_space_the_run_says_so_and_the_next_one_converges(
    company: Company, processes: ForkServerContext, full_disk: Path
) -> None:
    company.land()
    exit_code = company.run(processes)
    said = company.said()
    assert exit_code in (3, 5, 74), said
    assert "space" in said.lower(), said
    assert "Traceback" not in said
    assert "release 1" in said or "last release" in said or "Readers stay" in said
    subprocess.run(["umount", "--lazy", str(full_disk)], check=True)
    assert_unchanged_then_converges(company, processes)
    # For the fixture's own unmounting.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(full_disk)], check=True)


def test_f76_without_memory_the_message_names_the_limit_and_the_knob(
    company: Company, processes: ForkServerContext
) -> None:
    mart = company.toy.project_dir / "models/marts/core/dim_customers.sql"
    good = mart.read_text(encoding="utf-8")
    hungry = (
        "select customer_id, name, cast((select length(string_agg(md5(cast(range as varchar)),"
        " ',')) from range(20000000)) as decimal(18, 2)) as current_mrr"
        " from {{ ref('stg_billing__customers') }}"
    )
    company.land()
    mart.write_text(hungry, encoding="utf-8")
    exit_code = company.run(processes, HOLDFAST_MEMORY_LIMIT="100MB")
    said = company.said()
    mart.write_text(good, encoding="utf-8")
    assert exit_code in (4, 5, 74), said
    assert "Out of Memory" in said
    assert "HOLDFAST_MEMORY_LIMIT" in said
    assert "Traceback" not in said
    assert_unchanged_then_converges(company, processes)


@pytest.mark.parametrize(
    ("number", "after", "exit_code"),
    [(signal.SIGTERM, 0.0, 143), (signal.SIGINT, 1.0, 130), (signal.SIGTERM, 2.5, 143)],
)
def test_a_polite_kill_ends_a_run_with_a_sentence_and_leaves_nobody_behind(
    company: Company, processes: ForkServerContext, number: int, after: float, exit_code: int
) -> None:
    company.land()
    process = company.start_and_hold(processes)
    time.sleep(after)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(timeout=120)
    said = company.said()
    if process.exitcode == 0:
        pytest.skip("the run was faster than the signal")
    assert process.exitcode == exit_code, said
    assert "Stopped." in said
    assert "Readers stay on" in said
    assert "Traceback" not in said
    assert_unchanged_then_converges(company, processes)


def test_f73_a_second_run_is_refused_at_once(
    company: Company, processes: ForkServerContext
) -> None:
    company.land()
    first = company.start_and_hold(processes)
    second = company.start(processes, HOLDFAST_FAILPOINT="run.recorded")
    second.join(timeout=120)
    assert second.exitcode == 75
    first.join(timeout=120)
    assert first.exitcode == 0


def test_f84_releases_go_on_in_order_when_the_clock_goes_back(
    company: Company, processes: ForkServerContext
) -> None:
    with Control(company.toy.settings.control_database) as control:
        before = control.latest_release()
    # What was recorded so far is from the future of the clock.
    assert before is not None
    ahead = datetime.now(UTC) + timedelta(days=400)
    with Control(company.toy.settings.control_database, lambda: ahead) as control:
        control.start_run("from-the-future", company.toy.settings.as_of, "code")
    company.land()
    assert company.run(processes) == 0, company.said()
    with Control(company.toy.settings.control_database) as control:
        after = control.latest_release()
    assert after is not None
    assert after.n == before.n + 1
    seen = company.read()
    assert seen is not None
    assert seen.customers == company.landed


def test_f71_a_damaged_release_is_told_and_nothing_is_built_on_it(
    company: Company, processes: ForkServerContext
) -> None:
    link = company.toy.settings.warehouse_link
    release = link.resolve()
    good = release.read_bytes()
    release.chmod(0o600)
    release.write_bytes(good[: len(good) // 2])
    company.land()
    assert company.run(processes) == 1
    said = company.said()
    assert "is not the file that was released" in said
    assert "Restore it from a backup" in said
    assert "Traceback" not in said
    release.write_bytes(good)
    assert_unchanged_then_converges(company, processes)


def test_f71_f72_a_log_beside_a_release_is_told_and_not_deleted(
    company: Company, processes: ForkServerContext
) -> None:
    release = company.toy.settings.warehouse_link.resolve()
    log = release.with_name(f"{release.name}.wal")
    log.write_bytes(b"somebody wrote here")
    company.land()
    assert company.run(processes) not in (0, 70)
    assert str(log) in company.said()
    assert log.exists()
    log.unlink()
    assert_unchanged_then_converges(company, processes)


def test_f71_a_build_that_a_dead_run_left_damaged_is_thrown_away(
    company: Company, processes: ForkServerContext
) -> None:
    company.land()
    assert company.run(processes, HOLDFAST_FAILPOINT="models.built") == -signal.SIGKILL
    (left,) = company.toy.settings.build_dir.glob("*/warehouse.duckdb*")
    content = bytearray(left.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    left.write_bytes(content)
    left.with_name("warehouse.duckdb.wal").write_bytes(os.urandom(4096))
    assert_unchanged_then_converges(company, processes)


def test_the_machine_is_seen_behind_what_libraries_make_of_it() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "/x/y")
        except OSError as error:
            raise RuntimeError("step failed") from error
    except RuntimeError as wrapped:
        found = lack_of(wrapped)
    assert isinstance(found, MachineError)
    assert "/x/y" in str(found)
    assert lack_of(ValueError("three rows are wrong")) is None
