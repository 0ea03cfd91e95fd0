"""Start and stop the processes of a cluster on this machine: master, workers, Thrift server.

They are made of the `pyspark` package of an environment of its own (`spark.lock`), listen on the
loopback address only, and keep all their files in `HOLDFAST_HOME/spark`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import PROJECT_DIR
from orchestration.spark.cluster import (
    HOST,
    Cluster,
    answers,
    folder,
    is_alive,
    read,
    running,
    workers_alive,
    write,
)
from orchestration.spark.configuration import Size, thrift_settings

VENV_VARIABLE = "HOLDFAST_SPARK_VENV"

START_SECONDS = 240.0

STOP_SECONDS = 30.0


def start(home: Path, size: Size | None = None, environ: Mapping[str, str] = os.environ) -> Cluster:
    """Start a cluster, or return the one that runs, with workers in place of those that died.

    Raises:
        ConfigurationError: Java or pyspark is not there.
        HoldfastError: a process ended or did not answer in time; its log is named.
    """
    there = running(home)
    if there is not None:
        return _with_all_workers(home, there, environ)
    stop(home)
    size = size or Size()
    launcher = _Launcher(folder(home), environ)
    _make_folders(folder(home))
    master_port, master_ui, ui, thrift_port = _free_ports(4)
    cluster = Cluster(
        thrift_port=thrift_port,
        master_port=master_port,
        master_ui_port=master_ui,
        ui_port=ui,
        workers=size.workers,
        cores=size.cores,
        executor_memory=size.executor_memory,
        pids=(),
    )
    try:
        launcher.run_class(
            "master",
            "org.apache.spark.deploy.master.Master",
            *("--host", HOST, "--port", str(master_port), "--webui-port", str(master_ui)),
        )
        launcher.wait(lambda: answers(master_port))
        for number in range(1, size.workers + 1):
            launcher.run_worker(cluster, number)
        launcher.wait(lambda: workers_alive(master_ui) == size.workers)
        launcher.run_thrift(cluster, size)
        launcher.wait(lambda: answers(thrift_port))
    except BaseException:
        launcher.kill()
        raise
    cluster = replace(cluster, pids=launcher.pids)
    write(home, cluster)
    return cluster


def stop(home: Path) -> bool:
    """Stop the cluster of this home folder, Thrift server first, master last; its files go.

    The logs stay.

    Returns:
        Whether there was one.
    """
    cluster = read(home)
    for pid in reversed(cluster.pids if cluster else ()):
        _end(pid)
    for name in ("local", "work", "tmp", "warehouse", "exchange"):
        shutil.rmtree(folder(home) / name, ignore_errors=True)
    (folder(home) / "cluster.json").unlink(missing_ok=True)
    return cluster is not None


def _with_all_workers(home: Path, cluster: Cluster, environ: Mapping[str, str]) -> Cluster:
    master, *workers, thrift = cluster.pids
    if all(is_alive(pid) for pid in workers):
        return cluster
    launcher = _Launcher(folder(home), environ)
    try:
        for number, pid in enumerate(workers, start=1):
            if not is_alive(pid):
                launcher.run_worker(cluster, number)
                workers[number - 1] = launcher.pids[-1]
        launcher.wait(lambda: workers_alive(cluster.master_ui_port) >= cluster.workers)
    except BaseException:
        launcher.kill()
        raise
    mended = replace(cluster, pids=(master, *workers, thrift))
    write(home, mended)
    return mended


def _make_folders(base: Path) -> None:
    for name in ("conf", "local", "logs", "tmp", "work", "warehouse"):
        (base / name).mkdir(parents=True, exist_ok=True)
    base.chmod(0o700)


class _Launcher:
    """Starts the processes of a cluster, and ends them all if one does not come up."""

    def __init__(self, base: Path, environ: Mapping[str, str]) -> None:
        self.spark_home = _spark_home(environ)
        self._base = base
        self._environment = {
            **{k: v for k, v in environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))},
            "SPARK_HOME": str(self.spark_home),
            "JAVA_HOME": str(_java_home(environ)),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_HOSTNAME": HOST,
            "SPARK_NO_DAEMONIZE": "1",
            "SPARK_CONF_DIR": str(base / "conf"),
            "SPARK_LOCAL_DIRS": str(base / "local"),
            "SPARK_DAEMON_MEMORY": "512m",
        }
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.pid for _, process in self._processes)

    def run(self, name: str, command: list[str], **variables: str) -> None:
        with (self._base / "logs" / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self._environment | variables,
                cwd=self._base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append((name, process))

    def run_class(self, name: str, java_class: str, *arguments: str) -> None:
        self.run(name, [str(self.spark_home / "bin" / "spark-class"), java_class, *arguments])

    def run_worker(self, cluster: Cluster, number: int) -> None:
        self.run_class(
            f"worker{number}",
            "org.apache.spark.deploy.worker.Worker",
            *("--host", HOST, "--webui-port", "0", "--cores", str(cluster.cores)),
            *("--memory", _with_overhead(cluster.executor_memory)),
            *("--work-dir", str(self._base / "work" / f"worker{number}")),
            cluster.master,
        )

    def run_thrift(self, cluster: Cluster, size: Size) -> None:
        command = [
            str(self.spark_home / "bin" / "spark-submit"),
            *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
            *("--name", "holdfast", "--master", cluster.master),
            *("--driver-memory", size.driver_memory, "--executor-memory", size.executor_memory),
            *("--executor-cores", str(size.cores)),
            *("--total-executor-cores", str(size.workers * size.cores)),
        ]
        for name, value in thrift_settings(self._base, cluster, size).items():
            command += ["--conf", f"{name}={value}"]
        # To spark-submit the Thrift server is a daemon, and this outranks --driver-memory.
        self.run("thrift", [*command, "spark-internal"], SPARK_DAEMON_MEMORY=size.driver_memory)

    def wait(self, is_there: Callable[[], bool]) -> None:
        """Wait for what the last process brings.

        Raises:
            HoldfastError: a process ended, or it took too long.
        """
        until = time.monotonic() + START_SECONDS
        while not is_there():
            for name, process in self._processes:
                if process.poll() is not None:
                    raise HoldfastError(
                        f"Spark's {name} ended with exit code {process.returncode}; see "
                        f"{self._base / 'logs' / f'{name}.log'}."
                    )
            if time.monotonic() > until:
                name = self._processes[-1][0]
                raise HoldfastError(
                    f"Spark's {name} did not answer within {START_SECONDS:.0f} seconds; "
                    f"see {self._base / 'logs' / f'{name}.log'}."
                )
            time.sleep(0.3)

    def kill(self) -> None:
        for _, process in reversed(self._processes):
            process.kill()


def _with_overhead(memory: str) -> str:
    """A worker's memory: what its executor asks for, and as much again as Java needs beside it."""
    number, unit = int(memory[:-1]), memory[-1].lower()
    megabytes = number * 1024 if unit == "g" else number
    return f"{megabytes + 512}m"


def _spark_home(environ: Mapping[str, str]) -> Path:
    venv = Path(environ.get(VENV_VARIABLE) or PROJECT_DIR / ".venv-spark")
    found = sorted(venv.glob("lib/python3*/site-packages/pyspark"))
    if not found:
        raise ConfigurationError(
            f"There is no pyspark in {venv}. `make spark-up` installs it (500 MB, once)."
        )
    return found[-1]


def _java_home(environ: Mapping[str, str]) -> Path:
    if environ.get("JAVA_HOME"):
        return Path(environ["JAVA_HOME"])
    java = shutil.which("java", path=environ.get("PATH"))
    if java is None:
        raise ConfigurationError(
            "Spark needs Java 17. On Debian 12: sudo apt-get install openjdk-17-jre-headless"
        )
    return Path(java).resolve().parent.parent


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _end(pid: int) -> None:
    """End a process of the cluster if the number still is one: TERM, then KILL."""
    if not is_alive(pid) or not _is_spark(pid):
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.1)
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)


def _is_spark(pid: int) -> bool:
    try:
        return b"org.apache.spark" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
