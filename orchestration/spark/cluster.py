"""A real standalone Spark cluster on this machine: what is known of it, and what it says itself.

    make spark-up      start it, or say that it runs
    make spark-status  who works on it
    make spark-down    stop it

`orchestration/spark/processes.py` starts and stops it. A cluster that somebody else runs is used by
setting HOLDFAST_SPARK_THRIFT to host:port of its Thrift server instead.
"""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import Settings

HOST = "127.0.0.1"
DRIVER_SECONDS = 30.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that was started here, as it stands in `cluster.json`.

    `pids` are in the order of starting: master, workers, Thrift server.
    """

    thrift_port: int
    master_port: int
    master_ui_port: int
    ui_port: int
    workers: int
    cores: int
    executor_memory: str
    pids: tuple[int, ...]

    @property
    def thrift(self) -> str:
        """Host and port that dbt connects to."""
        return f"{HOST}:{self.thrift_port}"

    @property
    def master(self) -> str:
        """The address that workers and the Thrift server connect to."""
        return f"spark://{HOST}:{self.master_port}"


def thrift_address(settings: Settings) -> str:
    """Host and port of the Thrift server that a run builds on.

    Raises:
        ConfigurationError: no cluster is named, and none was started here.
    """
    if settings.spark_thrift:
        return settings.spark_thrift
    cluster = running(settings.home)
    if cluster is None:
        raise ConfigurationError(
            "No Spark cluster runs for this home folder. Start one with `make spark-up`, or set "
            "HOLDFAST_SPARK_THRIFT to host:port of the Thrift server of another one."
        )
    return cluster.thrift


def folder(home: Path) -> Path:
    """Where the cluster keeps its files: it holds personal data, as builds do."""
    return home / "spark"


def running(home: Path) -> Cluster | None:
    """The cluster of this home folder if all of its processes that must live do."""
    cluster = read(home)
    if cluster is None or not is_alive(cluster.pids[0]) or not is_alive(cluster.pids[-1]):
        return None
    return cluster if answers(cluster.thrift_port) else None


def status(cluster: Cluster) -> dict[str, Any]:
    """What the master itself says: `aliveworkers`, `workers`, `activeapps`, ..."""
    said: dict[str, Any] = ask(cluster.master_ui_port, "/json/")
    return said


def tasks_by_worker(cluster: Cluster) -> dict[str, int]:
    """How many tasks each executor has finished, by executor id, as the Thrift driver says."""
    executors = ask_driver(cluster, "allexecutors")
    return {row["id"]: int(row["completedTasks"]) for row in executors if row["id"] != "driver"}


def ask_driver(cluster: Cluster, what: str) -> Any:
    """What the Thrift driver says of its work, by Spark's status API (such as `stages`).

    Raises:
        HoldfastError: the driver knows of no application.
    """
    applications = "/api/v1/applications"
    # A driver that has just started answers before it has listed its application.
    until = time.monotonic() + DRIVER_SECONDS
    while not (known := ask(cluster.ui_port, applications)):
        if time.monotonic() > until:
            raise HoldfastError(f"Spark's driver on port {cluster.ui_port} has no application.")
        time.sleep(0.3)
    return ask(cluster.ui_port, f"{applications}/{known[0]['id']}/{what}")


def read(home: Path) -> Cluster | None:
    """The cluster that was started for this home folder, as it stands in `cluster.json`."""
    try:
        said = json.loads((folder(home) / "cluster.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Cluster(**{**said, "pids": tuple(said["pids"])})


def write(home: Path, cluster: Cluster) -> None:
    """Keep what was started in `cluster.json`."""
    partial = folder(home) / "cluster.json.tmp"
    partial.write_text(json.dumps(asdict(cluster)), encoding="utf-8")
    partial.replace(folder(home) / "cluster.json")


def answers(port: int) -> bool:
    """Whether a process listens on that port."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def ask(port: int, path: str) -> Any:
    """What a process of the cluster answers, from JSON."""
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:  # nosec B310
        return json.load(answer)


def workers_alive(master_ui: int) -> int:
    """How many workers the master knows to live; 0 where it does not answer."""
    try:
        return int(ask(master_ui, "/json/")["aliveworkers"])
    except (OSError, ValueError, KeyError):
        return 0


def is_alive(pid: int) -> bool:
    """Whether the process runs, and not only its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A dead child that nobody waited for is a zombie.
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state != "Z"
