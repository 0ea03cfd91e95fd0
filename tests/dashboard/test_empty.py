"""A release with no rows, or few: what cannot be shown is said, and no page breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.pages import PAGES, Made
from dashboard.pages.overview_goals import changes_section
from dashboard.released import Released
from dashboard.render import render
from orchestration.books.diff import Between, MrrDifference, ReleaseDiff

EDITION = Edition(2, datetime(2026, 11, 2, 7, 30), date(2026, 11, 1), "USD", "f" * 64, "run-2")
FILES = ("style.css", "theme.js", "page.js", "vega.js", "itables.js")


@pytest.fixture
def empty(company: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """All tables of a release, with no row but the official policy's."""
    with duckdb.connect(":memory:") as connection:
        file = str(company / "home" / "warehouse.duckdb").replace("'", "''")
        connection.execute(f"attach '{file}' as released (read_only)")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'released'"
            " and schema_name in ('core', 'revenue', 'retention', 'unit_economics',"
            " 'customer_success', 'quality', 'seeds')"
        ).fetchall():
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create table {schema}.{table} as from released.{schema}.{table} limit 0"
            )
        connection.execute(
            "insert into core.dim_metric_policies"
            " from released.core.dim_metric_policies where is_official"
        )
        connection.execute("detach released")
        yield connection


def released(connection: duckdb.DuckDBPyConnection) -> Released:
    return Released(
        connection, EDITION, "board_strict", "Board, strict", None, "The first release."
    )


class Assets:
    style, theme, page, vega, tables = FILES


def written(made: Made, connection: duckdb.DuckDBPyConnection) -> str:
    release = released(connection)
    page = made.make(release)
    return render(page, [page], release, Assets()).files[page.file]


@pytest.mark.parametrize("made", PAGES, ids=lambda made: str(made.make.__name__))
def test_a_release_without_rows_has_pages_of_words(
    made: Made, empty: duckdb.DuckDBPyConnection
) -> None:
    html = written(made, empty)
    sections = re.findall(r"<section id=.*?</section>", html, re.DOTALL)
    assert sections
    for section in sections:
        assert 'class="card empty"' in section
        assert re.search(r'class="card empty">\s*<h3>[^<]{5,}</h3>\s*<p>[^<]{15,}</p>', section)
    assert not re.search(r">\s*(None|nan|inf)\b", html)


def test_one_month_and_one_customer(empty: duckdb.DuckDBPyConnection) -> None:
    """October: one customer comes with 100, after which nothing is known but the MRR."""
    for segment, value in (("all", "all"), ("plan", "Team"), ("segment", "smb")):
        empty.execute(
            "insert into revenue.fct_mrr_by_month by name select 'board_strict' as policy_id,"
            " date '2026-10-01' as month, ? as segment_type, ? as segment_value, 0 as opening_mrr,"
            " 100 as new_mrr, 0 as reactivation_mrr, 0 as expansion_mrr, 0 as contraction_mrr,"
            " 0 as churn_mrr, 0 as fx_mrr, 100 as closing_mrr, 0 as opening_customers,"
            " 1 as new_customers, 0 as reactivated_customers, 0 as churned_customers,"
            " 1 as closing_customers, 1200 as arr, 100 as arpa, 100 as net_new_mrr,"
            " null as quick_ratio, true as is_complete",
            [segment, value],
        )
    overview, revenue = (written(made, empty) for made in PAGES[:2])
    assert "Nobody paid at the start of the month" in overview
    assert '>100<span class="minor">.00 USD</span>' in overview
    assert "MRR rose by 100.00 USD in Oct 2026" in revenue
    assert "not at 0" not in revenue


def test_pages_whose_marts_are_missing_are_left_out(tmp_path: Path) -> None:
    with duckdb.connect(":memory:") as connection:
        left_out = build(
            released(connection), tmp_path / "1", made=PAGES, earlier=[_assets(tmp_path)]
        )
    assert left_out == [made.make.__name__ for made in PAGES]


def _assets(folder: Path) -> Path:
    """An earlier dashboard, so that no library is made for this test."""
    from dashboard.build import _static

    assets = folder / "0" / "assets"
    assets.mkdir(parents=True)
    (assets / _static(assets).vega).touch()
    return folder / "0"


def test_changes_are_summed_by_month_and_reason() -> None:
    def row(month: str, customer: str, before: str, after: str, why: str) -> MrrDifference:
        return MrrDifference(
            "board_strict", month, customer, Decimal(before), Decimal(after), why, ()
        )

    diff = ReleaseDiff(
        1,
        2,
        Between(3, 1, (("billing.invoices", 40),), ("2026-10-31", "2026-11-01"), True, ("x",)),
        (),
        (),
        (
            row("2026-09-01", "a", "100.00", "90.00", "changed data"),
            row("2026-09-01", "b", "0.00", "5.50", "changed data"),
            row("2026-09-01", "c", "1.00", "2.00", "code"),
            MrrDifference("other", "2026-09-01", "a", Decimal(1), Decimal(9), "code", ()),
        ),
    )
    with duckdb.connect(":memory:") as connection:
        release = Released(connection, EDITION, "board_strict", "Board, strict", diff)
        section = changes_section(release)
    points, listing = section.blocks
    assert section.title.endswith("1 → 2")
    assert points.block == "prose"
    said = " ".join(points.sentences)
    assert "31 Oct 2026 to 1 Nov 2026" in said
    assert "3 new, 1 gone; 40 new raw rows in 1 table." in said
    assert "Code: changed. Policies: x." in said
    assert listing.block == "listing"
    assert listing.table.cells == [
        ["Sep 2026", "code", "1", "1.00", "2.00", "1.00"],
        ["Sep 2026", "changed data", "2", "100.00", "95.50", "−4.50"],
    ]
