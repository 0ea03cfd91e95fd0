"""One real cluster for all tests of this folder that want one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.spark import cluster, processes
from tests.support.spark import SparkProject


@pytest.fixture(scope="session")
def cluster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="session")
def running(cluster_home: Path) -> Iterator[cluster.Cluster]:
    """Master, two workers, Thrift server; where Java or pyspark are not there, the test says so."""
    try:
        made = processes.start(cluster_home)
    except ConfigurationError as error:
        pytest.skip(str(error))
    yield made
    processes.stop(cluster_home)
    assert cluster.running(cluster_home) is None
    # Else Java stops compiling, and now and then fails a statement ("Out of space in CodeCache").
    logs = list((cluster_home / "spark" / "logs").glob("*.log"))
    assert logs
    full = [log.name for log in logs if "CodeCache is full" in log.read_text("utf-8", "replace")]
    assert full == []


@pytest.fixture(scope="session")
def on_spark(
    running: cluster.Cluster, cluster_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> SparkProject:
    """The dbt project on that cluster, parsed once."""
    return SparkProject(tmp_path_factory.mktemp("dbt"), cluster_home, running.thrift)
