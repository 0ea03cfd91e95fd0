"""The book's company on the cluster: its known answers, though a worker is killed in mid-build."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.spark import cluster, processes
from tests.acceptance.test_fightchurn import (  # noqa: F401 -- they run here, on `released`
    snapshots,
    test_mrr_and_movements_of_every_month,
    test_mrr_of_every_customer_and_month,
    test_retention_of_every_cohort_and_age,
    test_the_books_churn_rate,
    test_the_books_mrr_churn,
    test_the_books_net_retention,
)
from tests.retention.test_fightchurn import AS_OF, FIGHTCHURN, landed
from tests.support.dbt_runner import DATABASE_NAME
from tests.support.raw_tables import write_raw_tables
from tests.support.spark import SparkProject

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not FIGHTCHURN.is_dir(), reason="../shared/data/fightchurn is not here"),
]

TABLES = (
    *("customers", "products", "prices", "subscriptions", "subscription_items"),
    *("invoices", "invoice_line_items"),
)
MARTS = (
    "fct_mrr_by_customer_month",
    "fct_mrr_by_month",
    "fct_mrr_movements",
    "fct_retention_by_cohort_month",
)
#: Tasks that the cluster has done of this build when the worker dies.
TASKS_BEFORE = 200


@pytest.fixture(scope="module")
def killed(running: cluster.Cluster) -> list[int]:
    """Numbers of tasks that had been done when a worker was killed; filled by `released`."""
    return []


@pytest.fixture(scope="module")
def released(
    on_spark: SparkProject,
    running: cluster.Cluster,
    cluster_home: Path,
    killed: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    database = tmp_path_factory.mktemp("fightchurn") / DATABASE_NAME
    rows = landed(FIGHTCHURN / "landing", tuple(f"billing.{table}" for table in TABLES))
    write_raw_tables(database, rows)
    on_spark.manifest()
    done_before = sum(cluster.tasks_by_worker(running).values())
    ended = threading.Event()

    def kill_a_worker() -> None:
        while not ended.is_set():
            done = sum(cluster.tasks_by_worker(running).values()) - done_before
            if done >= TASKS_BEFORE:
                os.kill(running.pids[1], signal.SIGKILL)
                killed.append(done)
                return
            time.sleep(0.2)

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    try:
        on_spark.build(
            database,
            [f"+{mart}" for mart in MARTS],
            {"as_of_date": AS_OF.isoformat()},
        )
    finally:
        ended.set()
        killer.join()
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            yield connection
    finally:
        # Whatever comes after has two workers again.
        processes.start(cluster_home)


def test_a_worker_was_killed_while_the_models_were_built(
    released: duckdb.DuckDBPyConnection, running: cluster.Cluster, killed: list[int]
) -> None:
    assert killed, "the build was over before the worker died"
    assert cluster.status(running)["aliveworkers"] == 1
