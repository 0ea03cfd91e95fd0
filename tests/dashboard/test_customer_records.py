"""The records behind the customer page, from marts written by hand."""

from __future__ import annotations

import base64
import json
import re
import zlib
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.model import Column, Listing, Page, Section, table
from dashboard.pages import Made
from dashboard.pages.customer import FIRED_SHOWN, write_customers
from dashboard.released import Released

EDITION = Edition(1, datetime(2026, 11, 1), date(2026, 10, 31), "USD", "0" * 64, "r")
MARTS = """
create schema core;
create schema revenue;
create schema customer_success;
create table core.dim_customers as
    select 'c' || n as customer_id, 'Name "' || n || '"' as name, 'active' as status,
        null as segment, null as industry, null as country, null as channel, null as plan,
        null as owner_id, date '2026-01-01' as first_paid_at, cast(null as date) as churned_at,
        1.5 as current_mrr, null as parent_account_id
    from range(1, 6) as numbers(n);
create table revenue.fct_mrr_by_customer_month as
    select 'c1' as customer_id, 'board_strict' as policy_id, month, is_complete,
        cast(mrr as decimal(18, 2)) as closing_mrr
    from (values (date '2026-10-01', false, 7), (date '2026-02-01', true, 10),
        (date '2026-09-01', true, 9.5)) as months(month, is_complete, mrr);
insert into revenue.fct_mrr_by_customer_month
    values ('c1', 'another', date '2026-10-01', true, 1000);
create table customer_success.fct_customer_signals as
    select 'c1' as customer_id, account_id, date '2026-10-31' as as_of_date, true as is_latest,
        signal, cast(value as decimal(18, 6)) as value, date '2026-10-01' as since_date, evidence
    from (values ('a1', 'active_days_28d', 9, 'nine "days"'),
        ('a2', 'active_days_28d', 12, 'twelve'), ('a1', 'feature_breadth', 0.095, null))
        as signals(account_id, signal, value, evidence);
create table customer_success.fct_trigger_events as
    select 'c' || 1 + n % 2 as customer_id, date '2026-01-01' + cast(n // 4 as integer)
        as fired_date, 'trigger_' || n % 4 // 2 as trigger_key, n as episode_number,
        'high' as severity, cast(null as date) as cleared_date, 'no. ' || n as evidence
    from range(0, 100) as numbers(n);
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("records") / "customer"
    with duckdb.connect() as connection:
        connection.execute(MARTS)
        write_customers(Released(connection, EDITION, "board_strict", "Board"), target, per_file=2)
    return target


def read(path: Path) -> Any:
    found = re.fullmatch(r'window\.holdfastCustomers\("(\w+)","(.*)"\);\n', path.read_text())
    assert found
    assert found[1] == path.stem
    return json.loads(zlib.decompress(base64.b64decode(found[2])))


def test_customers_lie_in_files_in_the_order_of_their_ids(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["0.js", "1.js", "2.js", "index.js"]
    listed = [row[0] for row in read(folder / "index.js")]
    filed = [one["facts"]["customer_id"] for n in range(3) for one in read(folder / f"{n}.js")]
    assert filed == listed == ["c1", "c2", "c3", "c4", "c5"]
    assert read(folder / "2.js")[0]["facts"]["name"] == 'Name "5"'


def test_rows_are_in_their_order_and_of_the_policy(folder: Path) -> None:
    assert read(folder / "0.js")[0]["mrr"] == [
        ["Feb 2026", "10.00", "true"],
        ["Sep 2026", "9.50", "true"],
        ["Oct 2026", "7.00", "false"],
    ]
    assert read(folder / "0.js")[1]["mrr"] == []


def test_of_several_accounts_the_one_that_uses_most_is_shown(folder: Path) -> None:
    """As numbers: as texts, 9 days would be more than 12."""
    assert read(folder / "0.js")[0]["usage"] == [["Oct 2026", "12", "9.5"]]


def test_evidence_is_text_whatever_is_in_it(folder: Path) -> None:
    found = read(folder / "0.js")[0]["signals"]
    assert {tuple(row) for row in found} == {
        ("active_days_28d", "2026-10-01", 'nine "days"'),
        ("active_days_28d", "2026-10-01", "twelve"),
        ("feature_breadth", "2026-10-01", None),
    }
    assert [row[0] for row in found] == sorted(row[0] for row in found)


def test_the_latest_firings_come_first_and_no_more_than_are_shown(folder: Path) -> None:
    # Day 24 has numbers 96 to 99; even ones are c1's, the first two of a day trigger_0's.
    numbers = [n for n in range(99, -1, -1) if n % 2 == 0]
    numbers.sort(key=lambda n: (-(n // 4), n % 4 // 2, -n))
    assert [row[4] for row in read(folder / "0.js")[0]["fired"]] == [
        f"no. {n}" for n in numbers[:FIRED_SHOWN]
    ]


def test_each_page_is_told_when_it_is_made_and_when_it_is_written(tmp_path: Path) -> None:
    def some_page(released: Released) -> Page:
        listing = Listing("l", "t", "u", "core.t", table([Column("n", "N")], [["a"], ["b"]]))
        return Page("some", "Some page", "", (Section("s", "S", (listing,)),))

    # Not the libraries: those take their time.
    (tmp_path / "earlier" / "assets").mkdir(parents=True)
    for name in ("vega-vl-convert-python", "itables-itables"):
        start, package = name.split("-", 1)
        (tmp_path / "earlier" / "assets" / f"{start}-{version(package)}.js").touch()
    shown: list[str] = []
    with duckdb.connect() as connection:
        build(
            Released(connection, EDITION, "board_strict", "Board"),
            tmp_path / "1",
            [tmp_path / "earlier"],
            (Made(some_page, ()), Made(some_page, ("core.not_there",))),
            shown.append,
        )
    assert shown == [
        "dashboard: page 1 of 2, some page",
        "dashboard: page 2 of 2, some page",
        "dashboard: writing page 1 of 1, Some page, 2 rows",
    ]


def test_it_says_how_many_customers_are_written(tmp_path: Path) -> None:
    shown: list[str] = []
    with duckdb.connect() as connection:
        connection.execute(MARTS)
        released = Released(connection, EDITION, "board_strict", "Board")
        write_customers(released, tmp_path / "customer", per_file=2, show=shown.append)
    assert shown == [
        "dashboard: 2 of 5 customers",
        "dashboard: 4 of 5 customers",
        "dashboard: 5 of 5 customers",
    ]
