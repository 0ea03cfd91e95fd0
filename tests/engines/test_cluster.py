"""The cluster is what was asked for: two workers at work, and a driver with its memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.spark import cluster
from orchestration.spark.configuration import Size

pytestmark = pytest.mark.spark


def test_two_workers_live_and_share_the_cores(running: cluster.Cluster) -> None:
    said = cluster.status(running)
    assert said["aliveworkers"] == 2
    assert [worker["cores"] for worker in said["workers"] if worker["state"] == "ALIVE"] == [2, 2]
    (application,) = said["activeapps"]
    assert application["cores"] == 4


def test_the_driver_has_the_memory_it_was_given(running: cluster.Cluster) -> None:
    """To spark-submit the Thrift server is a daemon, which got 512 MB and collected garbage."""
    said = Path(f"/proc/{running.pids[-1]}/cmdline").read_text(encoding="utf-8").split("\0")
    assert [word for word in said if word.startswith("-Xmx")] == [f"-Xmx{Size().driver_memory}"]
