"""A real standalone Spark cluster on this machine: master, workers and a Thrift server.

    make spark-up      start it, or say that it runs
    make spark-status  who works on it
    make spark-down    stop it

It is made of the `pyspark` package of an environment of its own (`spark.lock`), listens on the
loopback address only, and keeps all its files in `HOLDFAST_HOME/spark`. A cluster that somebody
else runs is used by setting HOLDFAST_SPARK_THRIFT to host:port of its Thrift server instead.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import PROJECT_DIR, Settings

HOST = "127.0.0.1"
VENV_VARIABLE = "HOLDFAST_SPARK_VENV"
START_SECONDS = 240.0
STOP_SECONDS = 30.0

#: What makes Spark's arithmetic that of DuckDB: days cut in UTC, decimals that keep their digits
#: or fail, and values that do not fit a column refused.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
}


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
    pids: tuple[int, ...]

    @property
    def thrift(self) -> str:
        """Host and port that dbt connects to."""
        return f"{HOST}:{self.thrift_port}"


@dataclass(frozen=True)
class Size:
    """How large a cluster is: workers, cores of each, memory (Spark's notation) of an executor."""

    workers: int = 2
    cores: int = 2
    executor_memory: str = "2g"
    driver_memory: str = "2g"


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
    cluster = _read(home)
    if cluster is None or not _is_alive(cluster.pids[0]) or not _is_alive(cluster.pids[-1]):
        return None
    return cluster if _answers(cluster.thrift_port) else None


def start(home: Path, size: Size = Size(), environ: Mapping[str, str] = os.environ) -> Cluster:
    """Start a cluster, or return the one that runs.

    Raises:
        ConfigurationError: Java or pyspark is not there.
        HoldfastError: a process ended or did not answer in time; its log is named.
    """
    there = running(home)
    if there is not None:
        return there
    stop(home)
    spark_home = _spark_home(environ)
    java_home = _java_home(environ)
    base = folder(home)
    for name in ("conf", "local", "logs", "tmp", "work", "warehouse"):
        (base / name).mkdir(parents=True, exist_ok=True)
    base.chmod(0o700)
    # Temporary state of a cluster that died; tables are built anew by every run.
    for name in ("local", "work", "tmp", "metastore", "warehouse"):
        shutil.rmtree(base / name, ignore_errors=True)
    for name in ("local", "work", "tmp", "warehouse"):
        (base / name).mkdir()
    master_port, master_ui, ui, thrift_port = _free_ports(4)
    environment = {
        **{k: v for k, v in environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))},
        "SPARK_HOME": str(spark_home),
        "JAVA_HOME": str(java_home),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_LOCAL_HOSTNAME": HOST,
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_CONF_DIR": str(base / "conf"),
        "SPARK_LOCAL_DIRS": str(base / "local"),
        "SPARK_DAEMON_MEMORY": "512m",
    }
    master = f"spark://{HOST}:{master_port}"
    launcher = str(spark_home / "bin" / "spark-class")
    processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def run(name: str, command: list[str]) -> None:
        with (base / "logs" / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        processes.append((name, process))

    try:
        run(
            "master",
            [
                launcher,
                "org.apache.spark.deploy.master.Master",
                *("--host", HOST, "--port", str(master_port), "--webui-port", str(master_ui)),
            ],
        )
        _wait(lambda: _answers(master_port), processes, base)
        for number in range(1, size.workers + 1):
            run(
                f"worker{number}",
                [
                    launcher,
                    "org.apache.spark.deploy.worker.Worker",
                    *("--host", HOST, "--webui-port", "0"),
                    *("--cores", str(size.cores), "--memory", _with_overhead(size.executor_memory)),
                    *("--work-dir", str(base / "work" / f"worker{number}")),
                    master,
                ],
            )
        _wait(lambda: _alive_workers(master_ui) == size.workers, processes, base)
        run("thrift", _thrift_command(spark_home, base, master, size, thrift_port, ui))
        _wait(lambda: _answers(thrift_port), processes, base)
    except BaseException:
        for _, process in reversed(processes):
            process.kill()
        raise
    cluster = Cluster(
        thrift_port=thrift_port,
        master_port=master_port,
        master_ui_port=master_ui,
        ui_port=ui,
        workers=size.workers,
        cores=size.cores,
        pids=tuple(process.pid for _, process in processes),
    )
    partial = base / "cluster.json.tmp"
    partial.write_text(json.dumps(asdict(cluster)), encoding="utf-8")
    partial.replace(base / "cluster.json")
    return cluster


def stop(home: Path) -> bool:
    """Stop the cluster of this home folder: Thrift server first, master last.

    Returns:
        Whether there was one.
    """
    cluster = _read(home)
    if cluster is None:
        return False
    for pid in reversed(cluster.pids):
        _end(pid)
    (folder(home) / "cluster.json").unlink(missing_ok=True)
    return True


def status(cluster: Cluster) -> dict[str, Any]:
    """What the master itself says: `aliveworkers`, `workers`, `activeapps`, ..."""
    said: dict[str, Any] = _ask(cluster.master_ui_port, "/json/")
    return said


def tasks_by_worker(cluster: Cluster) -> dict[str, int]:
    """How many tasks each executor has finished, by executor id, as the Thrift driver says."""
    applications = "/api/v1/applications"
    application = _ask(cluster.ui_port, applications)[0]["id"]
    executors = _ask(cluster.ui_port, f"{applications}/{application}/allexecutors")
    return {row["id"]: int(row["completedTasks"]) for row in executors if row["id"] != "driver"}


def _thrift_command(
    spark_home: Path, base: Path, master: str, size: Size, port: int, ui: int
) -> list[str]:
    settings = {
        **SESSION,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.ui.port": str(ui),
        "spark.sql.warehouse.dir": str(base / "warehouse"),
        # Small tables by the hundred: as many partitions as cores; adaptive execution splits
        # and joins them as the data asks.
        "spark.sql.shuffle.partitions": str(max(4, size.workers * size.cores)),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A worker that dies takes its shuffle files with it; its tasks go to another one.
        "spark.task.maxFailures": "8",
        "spark.scheduler.mode": "FAIR",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={base / 'metastore'};create=true"
        ),
        "spark.hadoop.hive.server2.thrift.bind.host": HOST,
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.authentication": "NOSASL",
        "spark.driver.extraJavaOptions": (
            f"-Dderby.stream.error.file={base / 'logs' / 'derby.log'}"
            f" -Djava.io.tmpdir={base / 'tmp'} -Duser.timezone=UTC"
        ),
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
    }
    command = [
        str(spark_home / "bin" / "spark-submit"),
        *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
        *("--name", "holdfast", "--master", master),
        *("--driver-memory", size.driver_memory, "--executor-memory", size.executor_memory),
        *("--executor-cores", str(size.cores)),
        *("--total-executor-cores", str(size.workers * size.cores)),
    ]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    return [*command, "spark-internal"]


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


def _read(home: Path) -> Cluster | None:
    try:
        said = json.loads((folder(home) / "cluster.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Cluster(**{**said, "pids": tuple(said["pids"])})


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def _ask(port: int, path: str) -> Any:
    """What a process of the cluster answers, from JSON."""
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:  # nosec B310
        return json.load(answer)


def _alive_workers(master_ui: int) -> int:
    try:
        return int(_ask(master_ui, "/json/")["aliveworkers"])
    except (OSError, ValueError, KeyError):
        return 0


def _wait(is_there: Any, processes: list[tuple[str, subprocess.Popen[bytes]]], base: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not is_there():
        for name, process in processes:
            if process.poll() is not None:
                raise HoldfastError(
                    f"Spark's {name} ended with exit code {process.returncode}; see "
                    f"{base / 'logs' / f'{name}.log'}."
                )
        if time.monotonic() > until:
            raise HoldfastError(
                f"Spark's {processes[-1][0]} did not answer within {START_SECONDS:.0f} seconds; "
                f"see {base / 'logs' / f'{processes[-1][0]}.log'}."
            )
        time.sleep(0.3)


def _is_alive(pid: int) -> bool:
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


def _end(pid: int) -> None:
    """End a process of the cluster if the number still is one: TERM, then KILL."""
    if not _is_alive(pid) or not _is_spark(pid):
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while _is_alive(pid) and time.monotonic() < until:
        time.sleep(0.1)
    if _is_alive(pid):
        os.kill(pid, signal.SIGKILL)


def _is_spark(pid: int) -> bool:
    try:
        return b"org.apache.spark" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
