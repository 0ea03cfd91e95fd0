"""One parse of the dbt project for all tests of this folder; each warehouse is built once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.retention import dozen
from tests.retention.company import Rows
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

Query = Callable[[str], list[tuple[Any, ...]]]
BuildMarts = Callable[..., Query]
DOZEN_MARTS = (
    "fct_retention_by_period",
    "fct_retention_curve",
    "fct_survival_by_segment",
    "fct_churn_events",
    "fct_churn_by_reason",
    "fct_churn_by_feedback",
    "fct_churn_sources_by_customer",
    "fct_expiring_cards_by_month",
    "fct_dunning_funnel_by_month",
    "fct_target_status",
    "fct_benchmark_comparison",
    "fct_mrr_by_month",
    "fct_mrr_movements",
    "dim_metric_policies",
)


@pytest.fixture(scope="session")
def dbt_project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    return DbtProject(tmp_path_factory.mktemp("dbt"))


def reader(database: Path) -> Query:
    """A function that asks a built warehouse; each question opens the file anew."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return ask


@pytest.fixture(scope="session")
def build_marts(dbt_project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> BuildMarts:
    """Rows in, marts out: writes raw rows, builds the selected marts, returns a way to ask them."""

    def build(
        rows: Rows,
        variables: Mapping[str, Any],
        select: Sequence[str],
        with_tests: Iterable[str] = (),
    ) -> Query:
        database = tmp_path_factory.mktemp("warehouse") / DATABASE_NAME
        write_raw_tables(database, rows)
        dbt_project.build(database, [f"+{mart}" for mart in select], variables)
        if with_tests:
            dbt_project.build(database, list(with_tests), variables, with_tests=True)
        return reader(database)

    return build


@pytest.fixture(scope="session")
def dozen_marts(build_marts: BuildMarts) -> Query:
    """The company of `dozen.py` under every switch, after the data tests of this domain."""
    return build_marts(
        dozen.rows(),
        {
            "as_of_date": dozen.AS_OF.isoformat(),
            "enabled_policies": ["board_strict", *dozen.SWITCHED],
            "official_policy": "board_strict",
            "extra_metric_policies": dozen.policies(),
        },
        DOZEN_MARTS,
        with_tests=["path:tests/retention", "path:models/marts/retention,test_type:generic"],
    )
