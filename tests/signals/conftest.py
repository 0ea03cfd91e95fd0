"""The watched company, built at two as-of dates by a project whose seeds a team has added to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.customer_success_seeds import check_customer_success
from orchestration.dbt_plugin import FOLDERS_VARIABLE
from tests.signals import watched
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, PROJECT_DIR, write_raw_tables

Query = Callable[[str], list[tuple[Any, ...]]]


class CopiedProject(DbtProject):
    """A copy of the project, so that its seeds can be added to.

    Args:
        folder: where to; what is there is left alone.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "work")
        self.project_dir = folder / "dbt_project"
        shutil.copytree(
            DBT_PROJECT_DIR, self.project_dir, ignore=shutil.ignore_patterns("target", "logs")
        )

    def build(self, *arguments: Any, **options: Any) -> None:
        """As always, with an engine that may read these seeds."""
        os.environ[FOLDERS_VARIABLE] = str(self.project_dir / "seeds")
        try:
            super().build(*arguments, **options)
        finally:
            del os.environ[FOLDERS_VARIABLE]

    def _arguments(self, variables: Mapping[str, Any]) -> list[str]:
        arguments = super()._arguments(variables)
        arguments[arguments.index("--project-dir") + 1] = str(self.project_dir)
        return arguments


@pytest.fixture(scope="session")
def watched_project(tmp_path_factory: pytest.TempPathFactory) -> CopiedProject:
    """The project with a few more rows in seed triggers."""
    project = CopiedProject(tmp_path_factory.mktemp("watched"))
    seeds = project.project_dir / "seeds"
    with (seeds / "triggers.csv").open("a", encoding="utf-8") as lines:
        lines.writelines(f"{row}\n" for row in watched.NEW_TRIGGERS)
    check_customer_success(seeds)
    assert PROJECT_DIR not in project.project_dir.parents
    return project


@pytest.fixture(scope="session")
def company() -> watched.Watched:
    return watched.company()


@pytest.fixture(scope="session")
def raw_database(company: watched.Watched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw rows of the whole company, those after the earlier as-of date too."""
    database = tmp_path_factory.mktemp("raw") / DATABASE_NAME
    write_raw_tables(database, company.rows)
    return database


def reader(database: Path) -> Query:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return ask


def build(
    project: DbtProject, raw: Path, folder: Path, as_of: str, select: Sequence[str] = ()
) -> Path:
    database = folder / DATABASE_NAME
    shutil.copy(raw, database)
    project.build(database, select, {"as_of_date": as_of})
    return database


@pytest.fixture(scope="session")
def later_database(
    watched_project: CopiedProject, raw_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("later")
    return build(watched_project, raw_database, folder, watched.LATER.isoformat())


@pytest.fixture(scope="session")
def later(later_database: Path) -> Query:
    """The marts at the later as-of date."""
    return reader(later_database)


@pytest.fixture(scope="session")
def earlier_database(
    watched_project: CopiedProject, raw_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    select = ["+fct_trigger_events", "+int_health_snapshots", "+int_backtest_counts"]
    return build(watched_project, raw_database, folder, watched.EARLIER.isoformat(), select)


@pytest.fixture(scope="session")
def earlier(earlier_database: Path) -> Query:
    """The marts at the earlier as-of date, built from the same rows."""
    return reader(earlier_database)
