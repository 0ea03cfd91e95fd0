"""The CRM company of “Fighting Churn With Data”: figures that others have computed.

The book's listings look at the first of each month; here a day's MRR is the sum of all
movements up to its end, which on a first of month is the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.acceptance.refresh import refresh

DATA = PROJECT_DIR.parent / "shared" / "data" / "fightchurn"
REFERENCE = DATA / "reference"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the outside data folder ../shared/data/fightchurn is not here"
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("fightchurn")
    refresh(home, DATA / "landing", "2023-12-31")
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def reference(file: str) -> str:
    return f"read_csv('{Path(REFERENCE / file)}', all_varchar = true)"


def test_mrr_of_every_customer_and_month(released: duckdb.DuckDBPyConnection) -> None:
    expected = rows(
        released,
        f"""
        select 'acct_' || lpad(customer_id, 5, '0'), date_trunc('month', month_end::date)::date,
            mrr::decimal(18, 2)
        from {reference("mrr_by_customer_month.csv")} order by all
        """,
    )
    got = rows(
        released,
        """
        select customer_id, month, closing_mrr from revenue.fct_mrr_by_customer_month
        where policy_id = 'board_strict' and closing_mrr > 0 order by all
        """,
    )
    assert len(expected) == 8460
    assert got == expected


def test_mrr_and_movements_of_every_month(released: duckdb.DuckDBPyConnection) -> None:
    columns = ("opening_mrr", "new_mrr", "churn_mrr", "closing_mrr")
    counts = ("opening_customers", "new_customers", "churned_customers", "closing_customers")
    expected = rows(
        released,
        f"""
        select date_trunc('month', month_end::date)::date,
            {", ".join(f"{column}::decimal(18, 2)" for column in columns)},
            {", ".join(f"{column}::bigint" for column in counts)}
        from {reference("mrr_movements_by_month.csv")} order by all
        """,
    )
    got = rows(
        released,
        f"""
        select month, {", ".join(columns)}, {", ".join(counts)} from revenue.fct_mrr_by_month
        where policy_id = 'board_strict' and segment_type = 'all' order by all
        """,
    )
    assert len(expected) == 24
    assert got == expected


def test_retention_of_every_cohort_and_age(released: duckdb.DuckDBPyConnection) -> None:
    expected = rows(
        released,
        f"""
        select date_trunc('month', cohort_month_end::date)::date, months_since::integer,
            cohort_customers::bigint, active_customers::bigint, cohort_mrr::decimal(18, 2),
            active_mrr::decimal(18, 2), logo_retention::decimal(18, 6),
            mrr_retention::decimal(18, 6)
        from {reference("cohort_retention.csv")} order by all
        """,
    )
    got = rows(
        released,
        """
        select cohort_month, months_since, customers_initial, customers_active, mrr_initial,
            mrr_active, logo_retention, net_retention
        from retention.fct_retention_by_cohort_month
        where policy_id = 'board_strict' and segment_type = 'all' order by all
        """,
    )
    assert len(expected) == 300
    assert got == expected


@pytest.fixture(scope="module")
def snapshots(released: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[object, ...]]:
    """Per pair of first-of-month days: start MRR, MRR kept, customers, churned, churn, downsell."""
    found = rows(
        released,
        f"""
        with days as (select distinct period_start as day, period_end as next_day
            from {reference("listing_2_1_net_retention.csv")}),
        mrr as (
            select days.day, days.next_day, customer_id,
                sum(mrr_change) filter (movement_date <= days.day::date) as mrr_start,
                sum(mrr_change) filter (movement_date <= days.next_day::date) as mrr_end
            from revenue.fct_mrr_movements cross join days
            where policy_id = 'board_strict'
            group by all
        )
        select day, next_day, sum(mrr_start), sum(mrr_end), count(*),
            count(*) filter (mrr_end = 0),
            sum(mrr_start) filter (mrr_end = 0),
            sum(mrr_start - mrr_end) filter (mrr_end > 0 and mrr_end < mrr_start)
        from mrr where mrr_start > 0 group by all
        """,
    )
    return {(str(row[0]), str(row[1])): row[2:] for row in found}


def test_the_books_net_retention(
    released: duckdb.DuckDBPyConnection, snapshots: dict[tuple[str, str], tuple[object, ...]]
) -> None:
    # The last period ends on 1 January 2024, the day after the as-of date: what is retained on
    # that day hangs on changes that are not known yet.
    listing = rows(
        released,
        f"select period_start, period_end, start_mrr, retain_mrr"
        f" from {reference('listing_2_1_net_retention.csv')} where period_end <= '2023-12-31'",
    )
    assert len(listing) == 22
    for start, end, start_mrr, retained in listing:
        mrr_start, mrr_end, *_ = snapshots[str(start), str(end)]
        assert (mrr_start, mrr_end) == (Decimal(str(start_mrr)), Decimal(str(retained))), start


def test_the_books_churn_rate(
    released: duckdb.DuckDBPyConnection, snapshots: dict[tuple[str, str], tuple[object, ...]]
) -> None:
    listing = rows(
        released,
        f"select period_start, period_end, n_start::bigint, n_churn::bigint"
        f" from {reference('listing_2_2_churn_rate.csv')}",
    )
    assert len(listing) == 23
    for start, end, customers, churned in listing:
        assert snapshots[str(start), str(end)][2:4] == (customers, churned), start


def test_the_books_mrr_churn(
    released: duckdb.DuckDBPyConnection, snapshots: dict[tuple[str, str], tuple[object, ...]]
) -> None:
    listing = rows(
        released,
        f"select period_start, period_end, start_mrr, churn_mrr, downsell_mrr"
        f" from {reference('listing_2_4_mrr_churn.csv')}",
    )
    assert len(listing) == 23
    for start, end, start_mrr, churn, downsell in listing:
        mrr_start, _, _, _, churned, contracted = snapshots[str(start), str(end)]
        assert mrr_start == Decimal(str(start_mrr)), start
        assert (churned or 0, contracted or 0) == (
            Decimal(str(churn)),
            Decimal(str(downsell)),
        ), start


def test_a_second_run_changes_nothing(released: duckdb.DuckDBPyConnection) -> None:
    database = rows(released, "select path from duckdb_databases() where not internal")[0][0]
    folder = Path(str(database)).resolve().parent.parent
    before = sorted(path.name for path in (folder / "releases").iterdir())
    printed = refresh(folder, DATA / "landing", "2023-12-31")
    assert "nothing changed" in printed.lower()
    assert sorted(path.name for path in (folder / "releases").iterdir()) == before
