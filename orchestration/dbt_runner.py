"""Running dbt inside this process, which in a run is the worker for dbt.

dbt is called through its own `dbtRunner`: the project is parsed while Dagster and the suites
start, and the build goes on with what was parsed. dbt takes the database file and the resources
from environment variables, which are set for the time of the call only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import BuildError
from orchestration.failpoints import failpoint
from orchestration.parsed_project import ParsedProject
from orchestration.results import Result, Stage
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.warehouse import engine_folders, open_for_reading
from orchestration.workers import tell

#: What in the project folder decides about the manifest.
MANIFEST_INPUTS = ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md", "*.py")

_STAGES: dict[str, Stage] = {
    "model": "model",
    "seed": "model",
    "snapshot": "model",
    "test": "test",
    "unit_test": "unit_test",
}


#: How many of the rows that failed a test a message shows.
EXAMPLES = 3
#: Passing lines are for people: more of them than this nobody reads.
TELL_EVERY_SECONDS = 0.2
#: The models that took longest are named once all are built.
LONGEST = 3

#: Column names and rows.
Rows = tuple[list[str], list[Any]]

#: The last parsed project of this process, by what it depends on.
_parsed: dict[str, Any] = {}


@dataclass(frozen=True)
class DbtNode:
    """One node that dbt finished."""

    unique_id: str
    result: Result


def dbt_target_dir(settings: Settings) -> Path:
    """Where dbt writes manifest, compiled SQL and parse cache: in the home, never the project."""
    return settings.home / "dbt" / ("target" if settings.target == "duckdb" else settings.target)


def dbt_environment(settings: Settings, build_database: Path, project_dir: Path) -> dict[str, str]:
    """The environment variables that `profiles.yml`, `dbt_project.yml` and dbt itself read."""
    variables = {
        "DBT_PROFILES_DIR": str(project_dir.parent),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "HOLDFAST_BUILD_DATABASE": str(build_database),
        "HOLDFAST_MEMORY_LIMIT": settings.memory_limit,
        "HOLDFAST_THREADS": str(settings.threads),
        "HOLDFAST_ENGINE_FOLDERS": os.pathsep.join(
            str(folder) for folder in engine_folders(settings, project_dir)
        ),
    }
    if settings.target == "spark":
        from orchestration.spark.cluster import thrift_address

        variables["HOLDFAST_SPARK_THRIFT"] = thrift_address(settings)
        variables["HOLDFAST_SPARK_EXCHANGE"] = str(settings.spark_dir / "exchange")
    return variables


def dbt_arguments(command: Sequence[str], settings: Settings, project_dir: Path) -> list[str]:
    """The full argument list of one dbt call; nothing of it reaches a shell."""
    return [
        "--log-level",
        "none",
        "--log-path",
        str(settings.home / "dbt" / "logs"),
        "--no-use-colors",
        "--no-version-check",
        *command,
        "--project-dir",
        str(project_dir),
        "--profiles-dir",
        str(project_dir.parent),
        "--target",
        settings.target,
        "--target-path",
        str(dbt_target_dir(settings)),
        "--vars",
        json.dumps(settings.dbt_vars(), sort_keys=True),
    ]


def project_digest(project_dir: Path) -> str:
    """A digest of all that the manifest is made from: names and contents, never times."""
    digest = hashlib.sha256()
    ignored = {"target", "logs"}
    paths = sorted(
        path
        for pattern in MANIFEST_INPUTS
        for path in project_dir.rglob(pattern)
        if path.relative_to(project_dir).parts[0] not in ignored
    )
    for path in [*paths, project_dir.parent / "profiles.yml"]:
        digest.update(f"{path.relative_to(project_dir.parent)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def prepare_manifest(settings: Settings, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """The path of an up-to-date `manifest.json`; parses the project where the last one is stale.

    Raises:
        BuildError: the project does not parse.
    """
    return fresh_manifest(settings, project_dir) or parse(settings, project_dir)


def fresh_manifest(settings: Settings, project_dir: Path = DBT_PROJECT_DIR) -> Path | None:
    """The path of the manifest if there is one of the project as it is now."""
    manifest = _manifest_file(settings, project_digest(project_dir))
    return manifest if manifest.exists() else None


def parse(settings: Settings, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """Parse the project, or read the parse that was kept of it, and keep its manifest.

    A `build` in this process goes on with it.

    Raises:
        BuildError: the project does not parse.
    """
    digest = project_digest(project_dir)
    kept = ParsedProject(settings, project_dir, digest, dbt_target_dir(settings))
    with kept.one_at_a_time():
        parsed = kept.read()
        if parsed is None:
            # Parsing opens no connection, so the file that the profile names need not be there.
            nowhere = settings.home / "build" / "none" / "warehouse.duckdb"
            parsed = _invoke(["parse"], settings, nowhere, project_dir)
            kept.keep()
    _parsed.clear()
    _parsed[_parse_key(settings, project_dir, digest)] = parsed
    failpoint("dbt.parsed")
    return _keep_manifest(settings, digest)


def _keep_manifest(settings: Settings, digest: str) -> Path:
    """A copy under the name of the project's digest: whole or not there, whatever dbt rewrites."""
    manifest = _manifest_file(settings, digest)
    if not manifest.exists():
        partial = manifest.with_suffix(".tmp")
        shutil.copyfile(dbt_target_dir(settings) / "manifest.json", partial)
        failpoint("dbt.manifest_copied")
        partial.replace(manifest)
    # That of another engine stays: a build on the cluster has its tests run by DuckDB.
    for other in manifest.parent.glob(f"manifest-{settings.target}-*"):
        if other != manifest:
            other.unlink()
    return manifest


def build(
    settings: Settings,
    build_database: Path,
    *,
    with_unit_tests: bool,
    project_dir: Path = DBT_PROJECT_DIR,
) -> list[DbtNode]:
    """Build all models and run their tests in the private build file.

    A model or test that fails is in the results; the models below it are skipped.

    Args:
        settings: of the run.
        build_database: the private file; nothing else may have it open.
        with_unit_tests: the unit tests say nothing new while the code is the same.
        project_dir: folder of `dbt_project.yml`.

    Raises:
        BuildError: dbt could not start or parse the project.
    """
    if settings.target == "spark":
        from orchestration.spark.run import build_on_cluster

        return build_on_cluster(
            settings, build_database, with_unit_tests=with_unit_tests, project_dir=project_dir
        )
    left_out = () if with_unit_tests else ("unit_test",)
    finished = invoke(["build"], settings, build_database, project_dir, left_out=left_out)
    tell(built_line(finished.results))
    return nodes_of(
        finished.results, settings, project_dir, examples=partial(failed_rows, build_database)
    )


def invoke(
    command: Sequence[str],
    settings: Settings,
    build_database: Path,
    project_dir: Path,
    *,
    left_out: Sequence[str] = (),
    parsed: Any = None,
) -> Any:
    """Call dbt on the build file; gives dbt's own result.

    Args:
        command: such as `build`, without the arguments that every call has.
        settings: of the run.
        build_database: the private file; nothing else may have it open.
        project_dir: folder of `dbt_project.yml`.
        left_out: kinds of nodes that are not run.
        parsed: the project; by itself what was last parsed in this process.

    Raises:
        BuildError: dbt could not start or parse the project.
    """
    for kind in left_out:
        command = [*command, "--exclude-resource-type", kind]
    failpoint("dbt.starting")
    # A build changes what was parsed, so it is taken out and used once.
    parsed = parsed or take_parsed(settings, project_dir)
    finished = _invoke(command, settings, build_database, project_dir, parsed)
    failpoint("dbt.built")
    return finished


def take_parsed(settings: Settings, project_dir: Path) -> Any:
    """What was last parsed in this process if it is this project, else None; gone from here."""
    return _parsed.pop(_parse_key(settings, project_dir, project_digest(project_dir)), None)


def nodes_of(
    results: Sequence[Any],
    settings: Settings,
    project_dir: Path,
    *,
    examples: Callable[[str], Rows],
) -> list[DbtNode]:
    """Models, seeds and tests that dbt finished; of tests that failed some of their rows."""
    target = dbt_target_dir(settings)
    nodes = [
        _node(row, project_dir, target)
        for row in results
        # Exposures are in the results too; nothing was done for them.
        if str(row.node.resource_type) in _STAGES
    ]
    return [
        replace(node, result=with_examples(node.result, examples))
        if (node.result.rejects or node.result.warns) and node.result.stage == "test"
        else node
        for node in nodes
    ]


def with_examples(result: Result, examples: Callable[[str], Rows]) -> Result:
    """The result of a failed test with some of the rows that failed it."""
    try:
        names, rows = examples(Path(result.look_at).read_text(encoding="utf-8"))
    except (OSError, duckdb.Error, BuildError):
        # A test that could not run has no rows to show; its message says why.
        return result
    texts = tuple(
        ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True)) for row in rows
    )
    return replace(result, examples=texts)


def failed_rows(database: Path, sql: str) -> Rows:
    """Columns and first rows of what a test found in a DuckDB file."""
    with open_for_reading(database) as connection:
        relation = connection.sql(f"select * from ({sql}\n) as failed limit {EXAMPLES}")
        return relation.columns, relation.fetchall()


def _manifest_file(settings: Settings, digest: str) -> Path:
    """The manifest of the project that has this digest."""
    return settings.home / "dbt" / f"manifest-{settings.target}-{digest[:16]}.json"


def _parse_key(settings: Settings, project_dir: Path, digest: str) -> str:
    """What a parsed project depends on: its place, its files and the variables."""
    variables = json.dumps(settings.dbt_vars(), sort_keys=True)
    return f"{settings.home} {settings.target} {project_dir} {digest} {variables}"


def _node(row: Any, project_dir: Path, target: Path) -> DbtNode:
    node = row.node
    stage = _STAGES[str(node.resource_type)]
    status = str(row.status)
    compiled = getattr(node, "compiled_path", None)
    look_at = Path(compiled) if compiled else project_dir / node.original_file_path
    if not look_at.is_absolute():
        # dbt gives the compiled path relative to the project or to the working directory.
        inside = target / "compiled" / node.package_name / node.path
        look_at = inside if inside.exists() else project_dir / look_at
    return DbtNode(
        unique_id=node.unique_id,
        result=Result(
            stage=stage,
            subject=_subject(node, stage),
            name=node.name,
            passed=status in {"success", "pass"},
            blocking=status != "warn",
            failures=row.failures,
            message=" ".join(str(row.message or "").split()),
            look_at=str(look_at),
            skipped=status == "skipped",
            seconds=float(row.execution_time or 0),
        ),
    )


def _subject(node: Any, stage: Stage) -> str:
    """The model that a result is about: a test's is the one it is attached to."""
    if stage == "model":
        return f"{node.schema}.{node.alias}"
    attached = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
    upstream = [attached] if attached else list(node.depends_on.nodes)
    return ", ".join(unique_id.split(".")[-1] for unique_id in upstream)


def _invoke(
    command: Sequence[str],
    settings: Settings,
    build_database: Path,
    project_dir: Path,
    parsed: Any = None,
) -> Any:
    from dbt.cli.main import dbtRunner

    counter = _Counter(_to_do(parsed, command))
    runner = dbtRunner(manifest=parsed, callbacks=[counter])
    with _environment(dbt_environment(settings, build_database, project_dir)):
        try:
            outcome = runner.invoke(dbt_arguments(command, settings, project_dir))
        finally:
            _let_go_of_the_database()
    # A build whose models or tests failed has a result that says so, and no exception.
    if outcome.exception is not None or outcome.result is None:
        log = settings.home / "dbt" / "logs" / "dbt.log"
        reason = outcome.exception or "it gave no result"
        raise BuildError(f"dbt {command[0]} failed: {reason}\nThe whole log: {log}") from None
    return outcome.result


class _Counter:
    """Tells how many models and tests are finished, and the last of them."""

    def __init__(
        self, to_do: Mapping[str, int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._to_do = to_do
        self._clock = clock
        self._told_at = clock()
        self._finished: Counter[str] = Counter()

    def __call__(self, event: Any) -> None:
        if event.info.name != "NodeFinished":
            return
        failpoint("dbt.node_finished")
        node = event.data.node_info
        if node.resource_type not in _STAGES:
            # Exposures are nodes too; nothing is done for them.
            return
        self._finished[_kind(node.resource_type)] += 1
        if self._clock() - self._told_at >= TELL_EVERY_SECONDS:
            self._told_at = self._clock()
            done = ", ".join(
                f"{_of(self._finished[kind], self._to_do.get(kind))} {kind}"
                for kind in _KINDS
                if self._finished[kind] or self._to_do.get(kind)
            )
            tell(f"dbt: {done} done; last {_said(event.data)}", is_passing=True)


#: What people call the nodes of a build.
_KINDS = ("models", "tests")


def _kind(resource_type: str) -> str:
    return "tests" if resource_type in ("test", "unit_test") else "models"


def _of(finished: int, to_do: int | None) -> str:
    return f"{finished} of {to_do}" if to_do else str(finished)


def _to_do(parsed: Any, command: Sequence[str]) -> Counter[str]:
    """How many models and tests a build has before it; empty where nothing is parsed yet."""
    counted: Counter[str] = Counter()
    if parsed is None:
        return counted
    kinds = {"test", "unit_test"} if command[0] == "test" else {*_STAGES}
    kinds -= set(command[1:])
    for node in (*parsed.nodes.values(), *parsed.unit_tests.values()):
        kind = str(node.resource_type)
        if kind in kinds and node.config.get("materialized") != "ephemeral":
            counted[_kind(kind)] += 1
    return counted


def _said(data: Any) -> str:
    """A node that is finished: its name, its rows where they are known, its seconds."""
    node = data.node_info
    rows = None
    if _kind(node.resource_type) == "models" and node.node_status == "success":
        rows = _rows(node.node_relation.schema, node.node_relation.alias)
    counted = "" if rows is None else f" {rows:,} rows,"
    return f"{node.node_name},{counted} {data.run_result.execution_time:.1f} s"


def _rows(schema: str, table: str) -> int | None:
    """Rows of a table that dbt has just made, by the engine's own books; None of a view."""
    environment = import_module("dbt.adapters.duckdb.connections").DuckDBConnectionManager._ENV
    connection = getattr(environment, "conn", None)
    if connection is None:
        return None
    # Without parameters, for which DuckDB would import pandas.
    sizes = "select schema_name, table_name, estimated_size from duckdb_tables()"
    with connection.cursor() as cursor:
        found = {(row[0], row[1]): int(row[2]) for row in cursor.execute(sizes).fetchall()}
    return found.get((schema, table))


def built_line(results: Sequence[Any]) -> str:
    """What dbt did, and the models that took longest."""
    done = Counter(_kind(str(row.node.resource_type)) for row in results if _is_done(row))
    models = [row for row in results if _kind(str(row.node.resource_type)) == "models"]
    if done["tests"] and not done["models"]:
        return f"dbt: {done['tests']} tests done"
    longest = sorted(models, key=lambda row: -(row.execution_time or 0))[:LONGEST]
    named = ", ".join(f"{row.node.name} {row.execution_time or 0:.1f} s" for row in longest)
    counted = " and ".join(f"{done[kind]} {kind}" for kind in _KINDS)
    return f"dbt: {counted} done; the longest models: {named}"


def _is_done(row: Any) -> bool:
    return str(row.node.resource_type) in _STAGES and str(row.status) != "skipped"


def _let_go_of_the_database() -> None:
    """Close dbt's DuckDB file, which the adapter would keep open until the process ends."""
    adapter: Any = import_module("dbt.adapters.duckdb.connections").DuckDBConnectionManager
    if adapter._ENV is not None:
        adapter._ENV.close()
    adapter.close_all_connections()
    import_module("dbt.adapters.factory").reset_adapters()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
