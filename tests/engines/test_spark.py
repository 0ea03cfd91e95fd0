"""The whole refresh on a real cluster: the release is the one that DuckDB makes, cell by cell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from orchestration.spark import cluster
from orchestration.spark.raw import exchange_folder
from simulation.config import SimulationConfig
from simulation.run import simulate, write_company
from tests.engines.compare import differences
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

AS_OF = date(2026, 10, 31)
COMPANY = SimulationConfig(customers=120, months=15, seed=7, as_of=AS_OF, events=4_000)
SCHEMAS = (
    *("core", "revenue", "retention", "unit_economics", "customer_success", "outreach"),
    *("quality", "seeds"),
)


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
            # The data tests prove the engine as well as the figures.
            "HOLDFAST_SPARK_TESTS": "on",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    return said


def test_a_release_made_by_the_cluster_is_that_of_duckdb(
    cluster_home: Path,
    running: cluster.Cluster,
    on_spark: SparkProject,
    landing: Path,
    tmp_path: Path,
) -> None:
    before = cluster.tasks_by_worker(running)
    refresh(tmp_path, landing, "duckdb")
    said = refresh(cluster_home, landing, "spark")
    assert "release 1 is committed" in said
    # On the cluster models, data tests and unit tests; then the data tests on what came back.
    on_cluster, here = (
        int(number) for number in re.findall(r"dbt: (?:\d+ models and )?(\d+) tests done", said)
    )
    assert on_cluster > here > 350
    count, found = differences(
        tmp_path / "warehouse.duckdb", cluster_home / "warehouse.duckdb", SCHEMAS
    )
    assert count > 90
    assert found == []
    # By the cluster's own word both workers worked on it.
    assert cluster.status(running)["aliveworkers"] == 2
    done = {
        executor: tasks - before.get(executor, 0)
        for executor, tasks in cluster.tasks_by_worker(running).items()
    }
    assert sorted(tasks > 100 for tasks in done.values())[-2:] == [True, True]
    # And nothing of the company stays on it.
    with on_spark.cursor() as cursor:
        cursor.execute("show schemas")
        assert [row[0] for row in cursor.fetchall()] == ["default"]
    assert not exchange_folder(on_spark.settings).exists()


def test_without_a_cluster_a_run_says_how_to_get_one(tmp_path: Path, landing: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT_DIR,
        env={
            # Other tests of this process name the cluster that runs.
            **{k: v for k, v in os.environ.items() if k != "HOLDFAST_SPARK_THRIFT"},
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
