"""What is measured, part by part; each is a process of its own, and everything that it starts."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from benchmarks.company import AS_OF, Company
from benchmarks.figures import Figure, Record
from benchmarks.peer import VARIABLE, build_peer, peer_folder
from benchmarks.processes import Measured, measure
from benchmarks.spark import Build, build_on, cluster_of
from benchmarks.stages import Stage, stages
from orchestration.dbt_runner import dbt_arguments, dbt_environment
from orchestration.policies import SEED
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.spark.cluster import Cluster
from orchestration.targets.postgres.server import VARIABLE as POSTGRES

RUN = [sys.executable, "-m", "orchestration.cli", "run"]
#: A loop by which machines of different speed, or load, can be compared.
LOOP = "x = 0\nfor i in range(20_000_000):\n    x += i * i"
STARTS = {
    "start of Python": "pass",
    "start of dbt": "import dbt.cli.main",
    "start of Dagster": "import orchestration.definitions",
    "start of Great Expectations": "import great_expectations",
}
PARSE = "dbt parse, nothing known yet"
BUILD = "dbt build, all models and tests"
READ = "floor: input read and summed once"
#: What is built on Spark: the chain of MRR, and one large shuffle of events.
ON_SPARK = {"MRR by month": "+fct_mrr_by_month", "days of events": "+int_account_days"}
#: Cores of the executor; its memory is the same.
CORES = (1, 2, 4)
SPARK_MEMORY = "HOLDFAST_BENCHMARK_SPARK_MEMORY"
#: Per cent of the events that one account gets in the end.
HUGE_ACCOUNT = 20


@dataclass
class Bench:
    """A run of the benchmark: the company, the policies, what was measured so far."""

    company: Company
    policies: str
    record: Record
    named: dict[str, Figure] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    spark: dict[str, list[Build]] = field(default_factory=dict)

    def add(
        self, what: str, used: Measured, *floors: str, floor: str = "", remarks: str = ""
    ) -> None:
        """Keep a measurement; floors that were not measured in this run are left out."""
        found = [self.named[name] for name in floors if name in self.named]
        whole = found if len(found) == len(floors) else []
        together = floor if whole else ""
        self.named[what] = self.record.add(what, used, *whole, floor=together, remarks=remarks)


def simulation(bench: Bench) -> None:
    """Making the company, where it was not there yet."""
    made = bench.company.simulated
    if made is not None:
        said = made.lines[-1].text
        rows = int(said.split()[1].replace(",", ""))
        remarks = f"{rows:,} rows, {rows / made.wall_seconds / 1e6:.2f} million rows a second"
        bench.add("simulation of the company", made, remarks=remarks)


def starts(bench: Bench) -> None:
    """What importing costs before anything is done, and the speed of the machine."""
    bench.add("20 million steps of Python", measure([sys.executable, "-c", LOOP], {}))
    environment = bench.company.environment("home", bench.policies)
    for what, code in STARTS.items():
        bench.add(what, measure([sys.executable, "-c", code], environment))


def floors(bench: Bench) -> None:
    """The gate alone, reading its input once, dbt alone, and the models' SQL alone."""
    settings = bench.company.settings("bare", bench.policies)
    environment = bench.company.environment("bare", bench.policies)
    database = _database(settings)
    bench.add("gate and raw views", _floor("raw", database, environment))
    bench.add(READ, _floor("read", database, environment))
    bench.add(PARSE, _dbt(settings, "parse"))
    bench.add("dbt parse, nothing changed", _dbt(settings, "parse"), PARSE)
    bench.add(BUILD, _dbt(settings, "build"), "dbt parse, nothing changed")
    used = _floor("models", database, environment)
    bench.add("floor: SQL of the models alone", used, READ)


def refreshes(bench: Bench) -> None:
    """`make run`: the first time, with nothing new, and with the files of one more day."""
    home = bench.company.folder / "home"
    # The database of BI tools is a part of its own.
    environment = bench.company.environment("home", bench.policies) | {POSTGRES: ""}
    if home.exists():
        raise FileExistsError(f"{home} is there already: remove it, or name another folder.")
    used = measure(RUN, environment, disk=home, log=bench.company.folder / "first.log")
    bench.stages.extend(stages(used))
    bench.add(
        "make run, first",
        used,
        PARSE,
        BUILD,
        floor="parse and build of dbt alone",
        remarks=f"{used.peak_disk_bytes / 1e9:.2f} GB of disk",
    )
    bench.add("make run, nothing new", measure(RUN, environment), "make run, first")
    rows = bench.company.land_last_day()
    environment |= bench.company.environment("home", bench.policies, AS_OF)
    used = measure(RUN, environment, disk=home, log=bench.company.folder / "day.log")
    remarks = f"{rows:,} new rows"
    if BUILD in bench.named:
        # The project is parsed by now, as it is for the build that it is held against.
        times = used.cpu_seconds / bench.named[BUILD].cpu_seconds
        remarks += f", {times:.2f} times dbt alone"
    bench.add("make run, one day more", used, "make run, first", remarks=remarks)


def postgres(bench: Bench) -> None:
    """Publishing the release of `make run` to the database that HOLDFAST_POSTGRES_DSN names.

    What the server itself uses is in no figure but the wall seconds.
    """
    home = bench.company.folder / "home"
    if not os.environ.get(POSTGRES) or not (home / "warehouse.duckdb").exists():
        bench.record.say(f"Not measured: publishing, for which {POSTGRES} names a database.")
        return
    environment = bench.company.environment("home", bench.policies, AS_OF)
    environment |= {POSTGRES: os.environ[POSTGRES]}
    copied = _floor("copy", home / "warehouse.duckdb", environment)
    bench.add("floor: COPY of the marts as csv", copied)
    publish = [sys.executable, "-m", "orchestration.cli", "publish"]
    used = measure(publish, environment)
    remarks = f"{used.wall_seconds / copied.wall_seconds:.2f} times the wall seconds"
    bench.add("make publish", used, "floor: COPY of the marts as csv", remarks=remarks)


def policies(bench: Bench) -> None:
    """MRR from raw to `fct_mrr_by_month`: one policy, and all of the seed at once."""
    with (DBT_PROJECT_DIR / SEED).open(newline="", encoding="utf-8") as lines:
        defined = [line["policy_id"] for line in csv.DictReader(lines)]
    environment = bench.company.environment("policies", defined[0])
    settings = bench.company.settings("policies", defined[0])
    _floor("raw", _database(settings), environment)
    one = replace(settings, enabled_policies=("board_strict",), official_policy="board_strict")
    every = replace(settings, enabled_policies=tuple(defined), official_policy="board_strict")
    _dbt(one, "seed")
    tiny = "dbt run, one tiny model"
    bench.add(tiny, _dbt(one, "run", "int_metric_policy_computations"))
    bench.add("MRR by month, 1 policy", _dbt(one, "run", "+fct_mrr_by_month"), tiny)
    used = _dbt(every, "run", "+fct_mrr_by_month")
    more = (used.cpu_seconds - bench.named["MRR by month, 1 policy"].cpu_seconds) / (
        len(defined) - 1
    )
    bench.add(
        f"MRR by month, {len(defined)} policies",
        used,
        "MRR by month, 1 policy",
        remarks=f"{more:.1f} CPU s for each policy more",
    )


def peers(bench: Bench) -> None:
    """The dbt project that `HOLDFAST_PEER` names, on the same subscriptions."""
    peer = peer_folder()
    if peer is None:
        bench.record.say(f"Not measured: a peer, whose folder {VARIABLE} names.")
        return
    settings = bench.company.settings("policies", "board_strict")
    database = _database(settings)
    if not database.exists():
        _floor("raw", database, bench.company.environment("policies", "board_strict"))
    scratch = bench.company.folder / "peer"
    used = build_peer(peer, database, scratch, settings.threads)
    bench.add(f"peer {peer.name}: dbt build", used, "MRR by month, 1 policy")


def spark(bench: Bench) -> None:
    """Some models on a Spark cluster of one, two and four cores, and with DuckDB.

    In the end one account gets a fifth of all events.
    """
    settings = bench.company.settings("spark", bench.policies)
    environment = bench.company.environment("spark", bench.policies)
    database = _database(settings)
    _floor("raw", database, environment)
    raw = database.with_name("raw.duckdb")
    # What DuckDB builds in its file would go to the cluster as a table carried over.
    shutil.copy(database, raw)
    _dbt(settings, "seed")
    for what, selection in ON_SPARK.items():
        bench.add(f"{what}, DuckDB", _dbt(settings, "run", selection))
    memory = os.environ.get(SPARK_MEMORY) or "3g"
    for cores in CORES:
        with cluster_of(settings.home, cores, memory) as cluster:
            for what, selection in ON_SPARK.items():
                _on_spark(bench, cluster, environment, raw, what, selection)
            if cores == CORES[-1]:
                what, selection = list(ON_SPARK.items())[-1]
                huge = f"{what}, {HUGE_ACCOUNT} % of them of one account"
                _on_spark(bench, cluster, environment, raw, huge, selection, HUGE_ACCOUNT)


def _on_spark(
    bench: Bench,
    cluster: Cluster,
    environment: Mapping[str, str],
    raw: Path,
    what: str,
    selection: str,
    share: int = 0,
) -> None:
    words = [sys.executable, "-m", "benchmarks.on_spark", str(raw), str(share), selection]
    log = bench.company.folder / "spark.log"
    built = build_on(cluster, words, {**environment, "HOLDFAST_TARGET": "spark"}, log)
    builds = bench.spark.setdefault(what, [])
    builds.append(built)
    name = f"{what}, Spark, {cluster.cores} core{'s' if cluster.cores > 1 else ''}"
    bench.add(name, built.used, f"{what}, DuckDB", remarks=built.remarks(builds[0]))


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "simulation": simulation,
    "starts": starts,
    "floors": floors,
    "refreshes": refreshes,
    "postgres": postgres,
    "policies": policies,
    "peers": peers,
    "spark": spark,
}
#: Those that are measured only where they are asked for: they want pyspark, Java, and their time.
ON_DEMAND = {"spark"}


def _database(settings: Settings) -> Path:
    return settings.build_dir / "benchmark" / "warehouse.duckdb"


def _floor(what: str, database: Path, environment: Mapping[str, str]) -> Measured:
    command = [sys.executable, "-m", "benchmarks.floors", what, str(database)]
    return measure(command, environment)


def _dbt(settings: Settings, command: str, *select: str) -> Measured:
    """dbt as its own command line starts it."""
    words = [command, *(["--select", *select] if select else [])]
    return measure(
        [sys.executable, "-m", "dbt.cli.main", *dbt_arguments(words, settings, DBT_PROJECT_DIR)],
        dbt_environment(settings, _database(settings), DBT_PROJECT_DIR),
    )


def as_json(bench: Bench) -> str:
    """Figures, the stages of the first run and the builds on Spark, for programs."""
    found = [asdict(stage) for stage in bench.stages]
    on_spark = {what: [asdict(build) for build in builds] for what, builds in bench.spark.items()}
    written = {"figures": bench.record.as_json(), "stages": found, "spark": on_spark}
    return json.dumps(written, indent=1)
