"""dbt's part of a run on the cluster: models there, data tests on what came back.

The tables that came back are what is audited and released, so the data tests judge them, with
DuckDB: four hundred small queries, each of which a cluster would plan for itself. Unit tests, which
are of the code, run on the cluster. With HOLDFAST_SPARK_TESTS=on the data tests run there too,
while it builds: that proves the engine rather than the figures (`make test-spark`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from orchestration import dbt_runner
from orchestration.dbt_runner import DbtNode
from orchestration.settings import Settings
from orchestration.spark import build as cluster
from orchestration.workers import tell


def build_on_cluster(
    settings: Settings, build_database: Path, *, with_unit_tests: bool, project_dir: Path
) -> list[DbtNode]:
    """Build all models on the cluster, bring them into the build file, and run their tests.

    Args:
        settings: of the run.
        build_database: the private file; nothing else may have it open.
        with_unit_tests: the unit tests say nothing new while the code is the same.
        project_dir: folder of `dbt_project.yml`.

    Raises:
        BuildError: dbt could not start, or the cluster does not answer.
        LandingError: a landed file changed or went.
    """
    left_out = () if with_unit_tests else ("unit_test",)
    if not settings.with_tests_on_spark:
        left_out = (*left_out, "test")
    cluster.begin(settings, build_database, project_dir)
    results = dbt_runner.invoke(
        ["build"], settings, build_database, project_dir, left_out=left_out
    ).results
    tell(dbt_runner.built_line(results))
    built = dbt_runner.nodes_of(
        results, settings, project_dir, examples=partial(cluster.failed_rows, settings)
    )
    here = replace(settings, target="duckdb")
    dbt_runner.parse(here, project_dir)
    parsed = dbt_runner.take_parsed(here, project_dir)
    cluster.bring_back(settings, build_database, results, also=_read_by_tests(parsed))
    cluster.end(settings, project_dir, results)
    tell("dbt: data tests on what came back")
    command = ["test"]
    if missing := _not_built(results):
        # Their tests would only say that there is no table.
        command += ["--exclude", *missing]
    tested = dbt_runner.invoke(
        command, here, build_database, project_dir, left_out=("unit_test",), parsed=parsed
    ).results
    tell(dbt_runner.built_line(tested))
    judged = dbt_runner.nodes_of(
        tested, here, project_dir, examples=partial(dbt_runner.failed_rows, build_database)
    )
    # Of a test that ran on both, what either has against the build counts.
    rejected = {node.unique_id for node in built if node.result.rejects}
    twice = {node.unique_id for node in judged} - rejected
    return [
        *(node for node in built if node.unique_id not in twice),
        *(node for node in judged if node.unique_id not in rejected),
    ]


def _read_by_tests(parsed: Any) -> frozenset[str]:
    """Ids of all that some data test reads."""
    return frozenset(
        parent
        for node in parsed.nodes.values()
        if str(node.resource_type) == "test"
        for parent in node.depends_on.nodes
    )


def _not_built(results: Sequence[Any]) -> list[str]:
    """Names of the models and seeds that failed, or were skipped because another failed."""
    return [
        row.node.name
        for row in results
        if str(row.node.resource_type) in ("model", "seed") and str(row.status) != "success"
    ]
