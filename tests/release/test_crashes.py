"""F69: a run killed at any step leaves the old release or the new one, and the next run goes on."""

from __future__ import annotations

import multiprocessing
import signal
import uuid
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.release import crash_run
from tests.release.conftest import read

POINTS = (
    "gate.listed",
    "gate.hashed",
    "gate.accepted_written",
    "gate.accepted_renamed",
    "gate.file_recorded",
    "gate.listing_recorded",
    "build.cleaned",
    "build.started",
    "raw.created",
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
)
_COMMITTED = POINTS.index("commit.committed")


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with the imports done, but with no threads of this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.release.crash_run", "pandas"])
    return context


def _run(processes: ForkServerContext, settings: Settings, run_id: str, **environ: str) -> int:
    process = processes.Process(target=crash_run.run, args=(settings, run_id, environ))
    process.start()
    process.join(timeout=60)
    assert process.exitcode is not None
    return process.exitcode


def test_f69_the_points_are_those_a_run_comes_to(
    processes: ForkServerContext, settings: Settings, tmp_path: Path
) -> None:
    crash_run.land(settings, "a.csv", 100)
    log = tmp_path / "points"
    assert _run(processes, settings, "a", HOLDFAST_FAILPOINT_LOG=str(log)) == 0
    assert tuple(log.read_text().split()) == POINTS
    assert read(settings.warehouse_link) == 100


@pytest.mark.parametrize("point", POINTS)
def test_f69_killed_at_a_point_nothing_is_torn_and_the_next_run_goes_on(
    processes: ForkServerContext, settings: Settings, point: str
) -> None:
    crash_run.land(settings, "a.csv", 100)
    assert _run(processes, settings, "a") == 0
    crash_run.land(settings, "b.csv", 20)
    assert _run(processes, settings, "b", HOLDFAST_FAILPOINT=point) == -signal.SIGKILL
    # What readers see at once, and after the link was mended by the next start.
    is_committed = POINTS.index(point) >= _COMMITTED
    seen = read(settings.warehouse_link)
    assert seen == (120 if point == "roll_forward.link_replaced" else 100)
    crash_run.land(settings, "c.csv", 3)
    assert _run(processes, settings, "c") == 0
    assert read(settings.warehouse_link) == 123
    released = sorted(path.name for path in settings.releases_dir.iterdir())
    assert released == [f"{n + 1}.duckdb" for n in range(3 if is_committed else 2)]
    leftovers = [path for path in settings.home.rglob("*") if path.name.endswith(".tmp")]
    assert leftovers == []
    assert [path.name for path in settings.build_dir.iterdir()] == ["c"]


def test_f75_without_space_the_run_says_so_and_the_next_one_goes_on(
    processes: ForkServerContext, settings: Settings
) -> None:
    crash_run.land(settings, "a.csv", 100)
    assert _run(processes, settings, "a") == 0
    big = "".join(f"{uuid.uuid4()},x,usd,1\n" for _ in range(100_000))
    header = "id,product_id,currency,unit_amount\n"
    (settings.landing / "billing/prices/big.csv").write_text(header + big)
    assert _run(processes, settings, "b", FILE_SIZE_LIMIT="1000000") == 3
    assert "big.csv cannot be taken in" in (settings.home / "error.txt").read_text()
    assert read(settings.warehouse_link) == 100
    assert [path for path in settings.accepted_dir.iterdir() if path.suffix == ".tmp"] == []
    assert _run(processes, settings, "c") == 0
    assert read(settings.warehouse_link) == 100_100
