"""What a cluster is given to work with: its size, and the settings of Spark.

The settings of a session make Spark's arithmetic that of DuckDB; those of a small cluster let
it plan hundreds of small statements quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.spark.cluster import HOST, Cluster

#: Java that starts quickly: hundreds of statements are each planned once, and most time went into
#: compiling what is hardly run, and into collecting garbage side by side. Metaspace is of this size
#: from the beginning: each time it grows, everything is collected. Compiled code has as much room
#: as Java gives it by itself where it compiles at all levels: with the 48 MB of the first level it
#: filled up after some hundred statements, and the next one failed for want of it.
QUICK_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
    " -XX:+UseSerialGC -XX:NewRatio=1 -XX:MetaspaceSize=400m"
)

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
    # Settings of Spark beside ours, or instead of them.
    settings: Mapping[str, str] = field(default_factory=dict)


def thrift_settings(base: Path, cluster: Cluster, size: Size) -> dict[str, str]:
    """The settings of the Thrift server, which plans every statement, and of its executors."""
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
    return {**settings, **(SMALL if size.is_small else {}), **size.settings}
