"""I03, I10: the data tests that hold them see one cell that is off, in every column they speak of.

The marts of a released company are broken in one place at a time; the tests are the project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR
from tests.support.released_company import POLICIES

CUSTOMERS = "revenue.fct_mrr_by_customer_month"
MONTHS = "revenue.fct_mrr_by_month"
MOVEMENTS = "revenue.fct_mrr_movements"
COHORTS = "retention.fct_retention_by_cohort_month"
PERIODS = "retention.fct_retention_by_period"
MARTS = (CUSTOMERS, MONTHS, MOVEMENTS, COHORTS, PERIODS)
FLOWS = ("new", "reactivation", "expansion", "contraction", "churn", "fx")
COUNTS = ("opening", "new", "reactivated", "churned", "closing")

SUMS = (
    "revenue/assert_customer_months_sum_to_months",
    "retention/assert_segments_sum_to_the_period",
    "revenue/assert_movements_sum_to_customer_months",
)
COHORT_TESTS = tuple(
    f"retention/assert_{name}"
    for name in ("cohorts_keep_their_size", "cohorts_never_exceed_their_start",
                 "cohorts_sum_to_the_month", "cohort_sizes_sum_to_all_customers")
)  # fmt: skip
#: What is not SQL of either; a comment stays where dbt compiles.
BETWEEN = "-- next test"

Tests = dict[str, str]


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Tests:
    """The data tests as the engine gets them, by name."""
    names = (*SUMS, *COHORT_TESTS)
    written = [(DBT_PROJECT_DIR / "tests" / f"{name}.sql").read_text("utf-8") for name in names]
    project = DbtProject(Path(tmp_path_factory.mktemp("compiled")))
    return dict(
        zip(names, project.compiled(f"\n{BETWEEN}\n".join(written)).split(BETWEEN), strict=True)
    )


@pytest.fixture(scope="module")
def marts(
    company: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the company's release, in a file that may be broken."""
    release = company / "home" / "warehouse.duckdb"
    with duckdb.connect(str(Path(tmp_path_factory.mktemp("sums")) / DATABASE_NAME)) as connection:
        connection.execute(f"attach '{release}' as released (read_only)")
        for mart in MARTS:
            connection.execute(f"create schema if not exists {mart.split('.')[0]}")
            connection.execute(
                f"create table {mart} as from released.{mart} where policy_id = '{POLICIES[0]}'"
            )
        yield connection


def seen(marts: duckdb.DuckDBPyConnection, tests: Tests, names: tuple[str, ...]) -> set[str]:
    """Those of the tests that find something."""
    return {name for name in names if marts.execute(f"from ({tests[name]}) limit 1").fetchall()}


def broken(
    marts: duckdb.DuckDBPyConnection, tests: Tests, names: tuple[str, ...], change: str
) -> set[str]:
    """Those of the tests that see a change, which is taken back."""
    marts.execute("begin")
    try:
        marts.execute(change)
        return seen(marts, tests, names)
    finally:
        marts.execute("rollback")


def one_cell(mart: str, column: str, where: str = "true") -> str:
    """A cell of the middle row is one more than it was."""
    cells = f"from {mart} where {where} and {column} is not null"
    return (
        f"update {mart} set {column} = {column} + 1 where rowid = (select rowid {cells}"
        f" order by rowid offset (select count(*) // 2 {cells}) limit 1)"
    )


@pytest.mark.fault("I03")
def test_no_cell_of_a_month_is_off_unseen(marts: duckdb.DuckDBPyConnection, tests: Tests) -> None:
    assert seen(marts, tests, SUMS) == set()
    columns = [f"{name}_mrr" for name in ("opening", *FLOWS, "closing")]
    changes = [one_cell(CUSTOMERS, column) for column in columns]
    for where in ("segment_type = 'all'", "segment_type = 'country'"):
        changes += [one_cell(MONTHS, column, where) for column in columns]
        changes += [one_cell(MONTHS, f"{name}_customers", where) for name in COUNTS]
    changes.append(one_cell(MOVEMENTS, "mrr_change"))
    # Whole members, months and customers that are gone.
    last = f"(select max(month) from {MONTHS})"
    changes += [
        f"delete from {MONTHS} where segment_type = 'plan' and segment_value = (select max_by("
        f"segment_value, closing_mrr) from {MONTHS} where segment_type = 'plan')",
        f"delete from {MONTHS} where month = {last}",
        f"delete from {CUSTOMERS} where customer_id = (select max_by(customer_id, closing_mrr)"
        f" from {CUSTOMERS} where month = {last})",
    ]
    assert [change for change in changes if not broken(marts, tests, SUMS, change)] == []


@pytest.mark.fault("I03")
def test_no_cell_of_a_period_is_off_unseen(marts: duckdb.DuckDBPyConnection, tests: Tests) -> None:
    columns = ("customers_start", "customers_won", "customers_lost", "customers_end", "mrr_start",
               "mrr_end", "churn_mrr", "involuntary_churn_mrr", "expansion_mrr", "retained_mrr",
               "retention_base_mrr")  # fmt: skip
    for column in columns:
        for where in ("segment_type = 'all'", "segment_type = 'channel'"):
            change = one_cell(PERIODS, column, where)
            assert broken(marts, tests, SUMS, change) == {SUMS[1]}, (column, where)


@pytest.mark.fault("I10")
def test_no_cell_of_a_cohort_is_off_unseen(marts: duckdb.DuckDBPyConnection, tests: Tests) -> None:
    assert seen(marts, tests, COHORT_TESTS) == set()
    older = "months_since > 2 and segment_type = "
    largest = (
        f"(select max_by(cohort_month, customers_initial) from {COHORTS} where months_since = 24)"
    )
    changes = []
    for segment_type in ("'all'", "'segment'"):
        for column in ("customers_initial", "customers_active", "mrr_initial", "mrr_active"):
            changes.append(one_cell(COHORTS, column, older + segment_type))
        # Who was lost is back among those never lost; gross MRR is above what there was.
        changes += [
            f"update {COHORTS} set customers_never_lost = customers_initial"
            f" where {older}{segment_type} and customers_never_lost < customers_initial"
            f" and cohort_month = {largest} and months_since = 12",
            f"update {COHORTS} set gross_mrr_active = mrr_active + 1"
            f" where {older}{segment_type} and cohort_month = {largest}",
        ]
    changes += [
        # A member moves to another cohort; a cohort is gone, or is gone at one age.
        f"update {COHORTS} set customers_initial = customers_initial + 1"
        f" where cohort_month = {largest} and segment_type = 'all'",
        f"delete from {COHORTS} where cohort_month = {largest}",
        f"delete from {COHORTS} where cohort_month = {largest} and months_since = 4",
        f"delete from {COHORTS} where segment_type = 'plan'",
    ]
    assert [change for change in changes if not broken(marts, tests, COHORT_TESTS, change)] == []
