"""The published churn listings of “Fighting Churn With Data” and its month ends, on its company."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.retention.company import Rows
from tests.retention.conftest import BuildMarts, Query
from tests.support.raw_tables import PROJECT_DIR, raw_contract

FIGHTCHURN = PROJECT_DIR.parent / "shared" / "data" / "fightchurn"
AS_OF = date(2023, 12, 31)

pytestmark = pytest.mark.skipif(
    not FIGHTCHURN.is_dir(), reason="../shared/data/fightchurn is not here"
)


def landed(landing: Path, tables: tuple[str, ...]) -> Rows:
    """The rows of landed csv and Parquet files, every value as text."""
    rows: Rows = {}
    for table in tables:
        path = next((landing / table.replace(".", "/")).iterdir())
        read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
        options = "" if path.suffix == ".parquet" else ", all_varchar = true"
        columns = [name for name, _ in raw_contract()[table].columns]
        with duckdb.connect() as connection:
            found = connection.execute(f"select * from {read}('{path}'{options})")
            names = [column[0] for column in found.description]
            rows[table] = [
                {k: v for k, v in zip(names, row, strict=True) if k in columns}
                for row in found.fetchall()
            ]
    return rows


@pytest.fixture(scope="module")
def marts(build_marts: BuildMarts) -> Query:
    tables = ("customers", "products", "prices", "subscriptions", "subscription_items")
    lines = ("invoices", "invoice_line_items")
    return build_marts(
        landed(FIGHTCHURN / "landing", tuple(f"billing.{name}" for name in tables + lines)),
        {"as_of_date": AS_OF.isoformat()},
        ["fct_retention_by_period", "fct_mrr_movements", "dim_metric_policies"],
        with_tests=["assert_net_less_gross_retention_is_expansion", "assert_periods_add_up"],
    )


def reference(name: str) -> list[dict[str, str]]:
    with (FIGHTCHURN / "reference" / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


Snapshots = dict[str, dict[str, Decimal]]


@pytest.fixture(scope="module")
def snapshots(marts: Query) -> Snapshots:
    """MRR of every paying customer on the first day of each month, as the movements add up."""
    found: Snapshots = {}
    for day, customer, mrr in marts(
        "select days.day, customer_id, sum(mrr_change) from revenue.fct_mrr_movements "
        "inner join (select distinct month as day from revenue.fct_mrr_movements) as days "
        "on movement_date <= days.day group by all having sum(mrr_change) > 0"
    ):
        found.setdefault(day.isoformat(), {})[customer] = mrr
    return found


def listed(name: str, snapshots: Snapshots) -> list[tuple[dict[str, str], Any, Any]]:
    """The listing's rows with the snapshots of both ends; the last one ends after the as-of day."""
    rows = [row for row in reference(name) if row["period_end"] <= AS_OF.isoformat()]
    assert len(rows) == 22
    return [(row, snapshots[row["period_start"]], snapshots[row["period_end"]]) for row in rows]


def test_listing_2_1_net_retention(snapshots: Snapshots) -> None:
    for row, start, end in listed("listing_2_1_net_retention.csv", snapshots):
        retained = sum(mrr for customer, mrr in end.items() if customer in start)
        assert sum(start.values()) == Decimal(row["start_mrr"])
        assert retained == Decimal(row["retain_mrr"])


def test_listing_2_2_churn_rate(snapshots: Snapshots) -> None:
    for row, start, end in listed("listing_2_2_churn_rate.csv", snapshots):
        assert len(start) == int(row["n_start"])
        assert len(set(start) - set(end)) == int(row["n_churn"])


def test_listing_2_4_mrr_churn(snapshots: Snapshots) -> None:
    for row, start, end in listed("listing_2_4_mrr_churn.csv", snapshots):
        lost = sum(mrr for customer, mrr in start.items() if customer not in end)
        fallen = sum(
            max(mrr - end[customer], Decimal(0))
            for customer, mrr in start.items()
            if customer in end
        )
        assert lost == Decimal(row["churn_mrr"])
        assert fallen == Decimal(row["downsell_mrr"])


def test_month_end_reference(marts: Query) -> None:
    found = {
        month.isoformat()[:7]: rest
        for month, *rest in marts(
            "select period_start, mrr_start, new_mrr, reactivation_mrr, expansion_mrr, "
            "contraction_mrr, churn_mrr, mrr_end, customers_start, customers_lost_of_start, "
            "customers_end, logo_churn_rate, gross_revenue_retention, net_revenue_retention "
            "from retention.fct_retention_by_period "
            "where period_type = 'month' and segment_type = 'all'"
        )
    }
    columns = (
        "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
        "churn_mrr", "closing_mrr", "opening_customers", "churned_customers",
        "closing_customers", "logo_churn_rate", "gross_mrr_retention", "net_mrr_retention",
    )  # fmt: skip
    expected = reference("mrr_movements_by_month.csv")
    assert len(expected) == len(found) == 24
    for row in expected:
        values = [Decimal(row[column]) if row[column] else None for column in columns]
        month = found[row["month_end"][:7]]
        assert month[:10] == values[:10], row["month_end"]
        for own, theirs in zip(month[10:], values[10:], strict=True):
            assert own == theirs or abs(own - theirs) <= Decimal("0.000001"), row["month_end"]
