"""Runs dbt on a Spark cluster, from and into the DuckDB file of a test."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner

from orchestration.settings import Settings, load_settings
from orchestration.spark.adapter import EXCHANGE_VARIABLE, connect, let_go, teach
from orchestration.spark.build import bring_back
from orchestration.spark.raw import exchange_folder, hand_over
from tests.support.dbt_runner import DATABASE_NAME, DbtError, DbtProject, failures


class SparkProject(DbtProject):
    """The project on a cluster that runs: the same calls as `DbtProject`, the same results.

    The raw tables of the file go to the cluster, and what was built there comes back into it.

    Args:
        work_dir: private folder for target and logs.
        home: the home folder that the cluster was started for.
        thrift: host:port of its Thrift server.
    """

    def __init__(self, work_dir: Path, home: Path, thrift: str) -> None:
        super().__init__(work_dir)
        self.settings: Settings = load_settings(
            {"HOLDFAST_HOME": str(home), "HOLDFAST_SPARK_THRIFT": thrift}
        )
        self._thrift = thrift

    def through(self, thrift: str) -> SparkProject:
        """The same parsed project, by another way to the cluster."""
        self.manifest()
        other = copy(self)
        other._thrift = thrift
        return other

    def show(self, inline: str, *, keeps_sessions: bool = False) -> None:
        """Run one query as dbt runs those of a model.

        Args:
            inline: the query.
            keeps_sessions: leave the sessions to the next query, as models do.

        Raises:
            DbtError: it failed.
        """
        runner = dbtRunner(manifest=self.manifest())
        self._prepare(self.work_dir / DATABASE_NAME)
        try:
            outcome = runner.invoke(["show", "--inline", inline, *self._arguments({})])
        finally:
            if not keeps_sessions:
                let_go()
        if not outcome.success:
            raise DbtError(failures(outcome.result, outcome.exception))

    def _arguments(self, variables: Mapping[str, Any]) -> list[str]:
        return [*super()._arguments(variables), "--target", "spark"]

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A session of ours on the cluster."""
        host, _, port = self._thrift.partition(":")
        with connect(host, int(port)) as cursor:
            yield cursor

    def build(
        self,
        database: Path,
        select: Sequence[str] = (),
        variables: Mapping[str, Any] | None = None,
        with_tests: bool = False,
        exclude: Sequence[str] = (),
    ) -> None:
        """Build on the cluster what the raw tables of the file come to, and bring it back."""
        exchange = exchange_folder(self.settings)
        with self.cursor() as cursor, duckdb.connect(str(database)) as connection:
            hand_over(cursor, connection, exchange)
        command = ["build", *self._arguments(variables or {})]
        if select:
            command += ["--select", *select]
        if exclude:
            command += ["--exclude", *exclude]
        if not with_tests:
            command += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        runner = dbtRunner(manifest=self.manifest())
        self._prepare(database)
        try:
            outcome = runner.invoke(command)
        finally:
            let_go()
        if not outcome.success:
            raise DbtError(failures(outcome.result, outcome.exception))
        results: Any = outcome.result
        bring_back(self.settings, database, results.results)

    def compiled(self, inline: str, variables: Mapping[str, Any] | None = None) -> str:
        """SQL with macros as the cluster gets it; nothing is run."""
        self._prepare(self.work_dir / DATABASE_NAME)
        try:
            return super().compiled(inline, variables)
        finally:
            let_go()

    def _parse(self) -> bytes:
        self._prepare(self.work_dir / DATABASE_NAME)
        return super()._parse()

    def _prepare(self, database: Path) -> None:
        teach()
        self._environment(database)
        os.environ["HOLDFAST_SPARK_THRIFT"] = self._thrift
        os.environ[EXCHANGE_VARIABLE] = str(exchange_folder(self.settings))
