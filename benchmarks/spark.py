"""What a Spark cluster of so many cores uses for some models: its processes', and Spark's own word.

CPU-seconds are the operating system's account of the cluster's processes, so that planning by the
driver, collecting garbage and compiling are in them. Rows, bytes and tasks are what Spark's status
API says of each stage, which belongs to the model whose statement it ran: dbt begins each statement
with the name of its model.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.on_spark import BUILT, READY
from benchmarks.processes import Measured, measure
from orchestration.spark.cluster import Cluster, ask_driver
from orchestration.spark.configuration import Size
from orchestration.spark.processes import start, stop

#: All stages and tasks of a build are kept, to be asked for when it is over.
_KEPT = {
    "spark.ui.retainedStages": "100000",
    "spark.ui.retainedJobs": "100000",
    "spark.ui.retainedTasks": "1000000",
}
_MODEL = re.compile(r'"node_id": "([^"]+)"')


@dataclass(frozen=True)
class ModelCost:
    """What the statements of one model took on the executors.

    Attributes:
        model: dbt's unique id; empty for what is no model's (views of raw, schemas).
        wall_seconds: dbt's, from the first statement to the last.
        cpu_seconds: of its tasks.
        tasks: how many.
        shuffled_rows: written to be exchanged between tasks.
        shuffled_bytes: the same, as they lie on disk, compressed.
        spilled_bytes: written to disk for want of memory.
        longest_task_seconds: the longest of its tasks, wall.
        longest_to_median: of the stage of that task, how many times the median of its tasks.
    """

    model: str
    wall_seconds: float
    cpu_seconds: float
    tasks: int
    shuffled_rows: int
    shuffled_bytes: int
    spilled_bytes: int
    longest_task_seconds: float
    longest_to_median: float


@dataclass(frozen=True)
class Build:
    """A build on a cluster.

    Attributes:
        cores: of all executors together.
        used: CPU-seconds of dbt, driver and executors, wall seconds from the first statement of
            dbt to the last, peak memory of the cluster's processes added up.
        driver_seconds: CPU-seconds of the driver, which plans.
        executor_seconds: CPU-seconds of the executors, which do the work on rows.
        load: average number of processes that wanted to run on this machine in the last minute.
        models: what each took, most bytes shuffled first.
    """

    cores: int
    used: Measured
    driver_seconds: float
    executor_seconds: float
    load: float
    models: list[ModelCost]

    @property
    def shuffled_bytes(self) -> int:
        """All bytes that were exchanged."""
        return sum(model.shuffled_bytes for model in self.models)

    def remarks(self, first: Build | None) -> str:
        """In words; the first is the build that the others are faster than."""
        said = f"driver {self.driver_seconds:.0f}, executors {self.executor_seconds:.0f} CPU s"
        said += f"; {self.shuffled_bytes / 1e6:,.0f} MB shuffled; load {self.load:.0f}"
        if first is not None and first is not self:
            times = first.used.wall_seconds / self.used.wall_seconds
            said += f"; {times:.2f} times as fast as {first.cores} core"
        return said


@contextmanager
def cluster_of(home: Path, cores: int, memory: str) -> Iterator[Cluster]:
    """A cluster of one worker and executor with so many cores, for large tables; gone afterwards.

    The memory is the same however many cores there are, so that only these are compared.
    """
    size = Size(1, cores, memory, driver_memory="3g", is_small=False, settings=_KEPT)
    try:
        yield start(home, size)
    finally:
        stop(home)


def build_on(
    cluster: Cluster, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Build:
    """Build models on a cluster that runs, and ask everybody what it took.

    Args:
        cluster: of `cluster_of`.
        command: what runs `benchmarks.on_spark`.
        environment: of that command.
        log: gets what it says.

    Raises:
        RuntimeError: a model failed.
    """
    asked = max((stage["stageId"] for stage in ask_driver(cluster, "stages")), default=-1)
    before = _used(cluster)
    whole = measure(command, environment, log=log)
    after = _used(cluster)
    begun = next(line for line in whole.lines if line.text == READY)
    done = next(line for line in whole.lines if line.text == BUILT)
    seconds: dict[str, float] = json.loads(whole.lines[-1].text)
    summaries = "stages?status=complete&withSummaries=true&quantiles=0.5,1.0"
    stages = [row for row in ask_driver(cluster, summaries) if row["stageId"] > asked]
    driver, executors = (after[who][0] - before[who][0] for who in ("driver", "executors"))
    used = Measured(
        cpu_seconds=driver + executors + done.cpu_seconds - begun.cpu_seconds,
        wall_seconds=done.wall_seconds - begun.wall_seconds,
        peak_bytes=sum(peak for _, peak in after.values()),
    )
    load = os.getloadavg()[0]
    return Build(cluster.cores, used, driver, executors, load, by_model(stages, seconds))


def by_model(stages: Sequence[Mapping[str, Any]], seconds: Mapping[str, float]) -> list[ModelCost]:
    """Add up the stages of each model.

    Args:
        stages: as the status API says them, with quantiles 0.5 and 1.0 of their tasks.
        seconds: wall seconds by model.
    """
    found = defaultdict(list)
    for stage in stages:
        named = _MODEL.search(stage.get("description") or "")
        found[named.group(1) if named else ""].append(stage)
    costs = []
    for model, its in found.items():
        longest = max(its, key=_longest)
        median = longest.get("taskMetricsDistributions", {}).get("duration", [0.0])[0]
        costs.append(
            ModelCost(
                model=model,
                wall_seconds=seconds.get(model, 0.0),
                cpu_seconds=sum(stage["executorCpuTime"] for stage in its) / 1e9,
                tasks=sum(stage["numCompleteTasks"] for stage in its),
                shuffled_rows=sum(stage["shuffleWriteRecords"] for stage in its),
                shuffled_bytes=sum(stage["shuffleWriteBytes"] for stage in its),
                spilled_bytes=sum(stage["diskBytesSpilled"] for stage in its),
                longest_task_seconds=_longest(longest) / 1000,
                longest_to_median=_longest(longest) / median if median else 1.0,
            )
        )
    return sorted(costs, key=lambda cost: -cost.shuffled_bytes)


def _longest(stage: Mapping[str, Any]) -> float:
    durations: list[float] = stage.get("taskMetricsDistributions", {}).get("duration", [0.0])
    return durations[-1]


def _used(cluster: Cluster) -> dict[str, tuple[float, int]]:
    """CPU-seconds so far, and the most memory, of the driver and of the executors."""
    _, *workers, driver = cluster.pids
    executors = [
        child
        for worker in workers
        if psutil.pid_exists(worker)
        for child in psutil.Process(worker).children(recursive=True)
    ]
    return {
        "driver": used_by([psutil.Process(driver)]),
        "executors": used_by(executors),
    }


def used_by(processes: Sequence[Any]) -> tuple[float, int]:
    """CPU-seconds so far and the most memory of processes, added up."""
    seconds, peak = 0.0, 0
    for process in processes:
        times = process.cpu_times()
        seconds += times.user + times.system
        said = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        # A child that is over, and that nobody has asked for yet, has no memory.
        most = said.partition("VmHWM:")[2].split()
        peak += int(most[0]) * 1024 if most else 0
    return seconds, peak
