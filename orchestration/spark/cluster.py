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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import PROJECT_DIR, Settings

HOST = "127.0.0.1"
VENV_VARIABLE = "HOLDFAST_SPARK_VENV"
START_SECONDS = 240.0
STOP_SECONDS = 30.0

#: Java that starts quickly: hundreds of statements are each planned once, and most time went into
#: compiling what is hardly run, and into collecting garbage side by side. Metaspace is of this size
#: from the beginning: each time it grows, everything is collected.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:NewRatio=1 -XX:MetaspaceSize=400m"

#: For tables of some thousand rows, where planning and compiling a statement is all its time: no
#: code is generated, and no plan is made again while it runs.
SMALL = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.constraintPropagation.enabled": "false",
}

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


@dataclass(frozen=True)
class Size:
    """How large a cluster is: workers, cores of each, memory (Spark's notation) of an executor.

    A small one is for some thousand customers; its executors do not compile what they run for long.
    """

    workers: int = 2
    cores: int = 2
    executor_memory: str = "1500m"
    # The plans of several long queries at once fill 2g, and the driver then only collects garbage.
    driver_memory: str = "4g"
    is_small: bool = True


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
    """Start a cluster, or return the one that runs, with workers in place of those that died.

    Raises:
        ConfigurationError: Java or pyspark is not there.
        HoldfastError: a process ended or did not answer in time; its log is named.
    """
    there = running(home)
    if there is not None:
        return _with_all_workers(home, there, environ)
    stop(home)
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
        launcher.wait(lambda: _answers(master_port))
        for number in range(1, size.workers + 1):
            launcher.run_worker(cluster, number)
        launcher.wait(lambda: _alive_workers(master_ui) == size.workers)
        launcher.run(
            "thrift",
            _thrift_command(launcher.spark_home, folder(home), cluster, size),
            # To spark-submit the Thrift server is a daemon, and this outranks --driver-memory.
            SPARK_DAEMON_MEMORY=size.driver_memory,
        )
        launcher.wait(lambda: _answers(thrift_port))
    except BaseException:
        launcher.kill()
        raise
    cluster = replace(cluster, pids=launcher.pids)
    _write(home, cluster)
    return cluster


def _with_all_workers(home: Path, cluster: Cluster, environ: Mapping[str, str]) -> Cluster:
    master, *workers, thrift = cluster.pids
    if all(_is_alive(pid) for pid in workers):
        return cluster
    launcher = _Launcher(folder(home), environ)
    try:
        for number, pid in enumerate(workers, start=1):
            if not _is_alive(pid):
                launcher.run_worker(cluster, number)
                workers[number - 1] = launcher.pids[-1]
        launcher.wait(lambda: _alive_workers(cluster.master_ui_port) >= cluster.workers)
    except BaseException:
        launcher.kill()
        raise
    mended = replace(cluster, pids=(master, *workers, thrift))
    _write(home, mended)
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


def stop(home: Path) -> bool:
    """Stop the cluster of this home folder, Thrift server first, master last; its files go.

    The logs stay.

    Returns:
        Whether there was one.
    """
    cluster = _read(home)
    for pid in reversed(cluster.pids if cluster else ()):
        _end(pid)
    for name in ("local", "work", "tmp", "warehouse", "exchange"):
        shutil.rmtree(folder(home) / name, ignore_errors=True)
    (folder(home) / "cluster.json").unlink(missing_ok=True)
    return cluster is not None


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


def _thrift_command(spark_home: Path, base: Path, cluster: Cluster, size: Size) -> list[str]:
    settings = {
        **SESSION,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.ui.port": str(cluster.ui_port),
        "spark.sql.warehouse.dir": str(base / "warehouse"),
        # As many partitions as cores; adaptive execution splits and joins them as the data asks.
        "spark.sql.shuffle.partitions": str(max(4, size.workers * size.cores)),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A worker that dies takes its shuffle files with it; its tasks go to another one.
        "spark.task.maxFailures": "8",
        "spark.scheduler.mode": "FAIR",
        # Nothing of the catalog outlives the cluster, and writing it to Derby takes longer than
        # making a small table.
        "spark.sql.catalogImplementation": "in-memory",
        "spark.hadoop.hive.server2.thrift.bind.host": HOST,
        "spark.hadoop.hive.server2.thrift.port": str(cluster.thrift_port),
        "spark.hadoop.hive.server2.authentication": "NOSASL",
        # The driver keeps what its pages show. Texts of the plans of long queries, a thousand of
        # them, filled its memory, and it spent its time collecting garbage.
        "spark.sql.maxPlanStringLength": "5000",
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.ui.retainedExecutions": "20",
        "spark.sql.thriftserver.ui.retainedStatements": "20",
        "spark.sql.thriftserver.ui.retainedSessions": "20",
        "spark.ui.retainedJobs": "100",
        "spark.ui.retainedStages": "100",
        "spark.ui.retainedTasks": "2000",
        "spark.driver.extraJavaOptions": (
            f"-Djava.io.tmpdir={base / 'tmp'} -Duser.timezone=UTC {QUICK_JAVA}"
        ),
        "spark.executor.extraJavaOptions": (
            f"-Duser.timezone=UTC {QUICK_JAVA if size.is_small else ''}"
        ),
    }
    if size.is_small:
        settings |= SMALL
    command = [
        str(spark_home / "bin" / "spark-submit"),
        *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
        *("--name", "holdfast", "--master", cluster.master),
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


def _write(home: Path, cluster: Cluster) -> None:
    partial = folder(home) / "cluster.json.tmp"
    partial.write_text(json.dumps(asdict(cluster)), encoding="utf-8")
    partial.replace(folder(home) / "cluster.json")


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
