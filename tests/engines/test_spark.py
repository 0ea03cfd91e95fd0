"""The whole refresh on a real cluster: the release is the one that DuckDB makes, cell by cell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.settings import PROJECT_DIR
from orchestration.spark import cluster
from simulation.config import SimulationConfig
from simulation.run import simulate, write_company
from tests.engines.compare import differences

pytestmark = pytest.mark.spark

AS_OF = date(2026, 10, 31)
COMPANY = SimulationConfig(customers=120, months=15, seed=7, as_of=AS_OF, events=4_000)
SCHEMAS = (
    *("core", "revenue", "retention", "unit_economics", "customer_success", "outreach"),
    *("quality", "intermediate"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[cluster.Cluster]:
    try:
        made = cluster.start(home)
    except ConfigurationError as error:
        pytest.skip(str(error))
    yield made
    cluster.stop(home)
    assert cluster.running(home) is None


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    write_company(simulate(COMPANY), folder / "landing", folder / "truth")
    return folder / "landing"


def refresh(home: Path, landing: Path, target: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "HOLDFAST_HOME": str(home),
            "HOLDFAST_LANDING": str(landing),
            "HOLDFAST_AS_OF": AS_OF.isoformat(),
            "HOLDFAST_TARGET": target,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    return said


def test_a_release_made_by_the_cluster_is_that_of_duckdb(
    home: Path, running: cluster.Cluster, landing: Path, tmp_path: Path
) -> None:
    refresh(tmp_path, landing, "duckdb")
    said = refresh(home, landing, "spark")
    assert "released" in said
    count, found = differences(
        tmp_path / "warehouse.duckdb", home / "warehouse.duckdb", SCHEMAS[:-1]
    )
    assert count > 60
    assert found == []


def test_the_work_was_done_by_both_workers(running: cluster.Cluster, home: Path) -> None:
    said = cluster.status(running)
    assert said["aliveworkers"] == 2
    tasks = cluster.tasks_by_worker(running)
    assert len(tasks) == 2
    assert min(tasks.values()) > 100


def test_without_a_cluster_a_run_says_how_to_get_one(tmp_path: Path, landing: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "HOLDFAST_HOME": str(tmp_path),
            "HOLDFAST_LANDING": str(landing),
            "HOLDFAST_TARGET": "spark",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert "make spark-up" in finished.stderr
    assert "Traceback" not in finished.stderr
