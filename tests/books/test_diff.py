"""What differs between two releases, told by mart, month, customer and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.books.diff import ReleaseDiff, compare_releases, lines
from orchestration.books.tables import Definitions, record_definitions
from orchestration.control import Control
from orchestration.errors import ConfigurationError
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.settings import Settings, load_settings
from tests.orchestration.test_cli import run_cli

HEADER = "id,customer_id,status,start_date,created,updated_at"
FIGURES = {
    1: {("p", "c1"): 100, ("p", "c2"): 70, ("p", "c4"): 30, ("q", "c4"): 30},
    2: {("p", "c1"): 80, ("p", "c2"): 70, ("p", "c3"): 50, ("p", "c4"): 40, ("q", "c4"): 35},
}


def subscription(key: str, customer: str, status: str, updated_at: str) -> str:
    return f"{key},{customer},{status},2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,{updated_at}"


class Home:
    """A home with two releases whose figures are written by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 10, 31, 8)
        self.settings: Settings = load_settings(
            {"HOLDFAST_HOME": str(folder), "HOLDFAST_AS_OF": "2026-10-31"}
        )
        self.control = Control(self.settings.control_database, clock=lambda: self.now)

    def land(self, name: str, *rows: str) -> None:
        path = self.settings.landing / "billing" / "subscriptions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")

    def release(self, n: int, code: str, policies: str) -> None:
        run = f"r{n}"
        self.control.start_run(run, self.settings.as_of, code)
        run_gate(self.settings, self.control, run, go_on=False, contract=load_contract())
        self.now = self.now.replace(hour=self.now.hour + 1)
        self.control.connection.execute(
            "insert into releases values (?, ?, ?, 's', 1, ?, '2026-10-31')",
            (n, run, run, self.now.isoformat(sep=" ")),
        )
        record_definitions(self.control, n, Definitions("{}", policies))
        self.settings.releases_dir.mkdir(exist_ok=True)
        with duckdb.connect(str(self.settings.releases_dir / f"{n}.duckdb")) as connection:
            connection.execute("create schema revenue; create schema core; create schema quality")
            connection.execute(
                "create table revenue.fct_mrr_by_customer_month (policy_id varchar, month date,"
                " customer_id varchar, closing_mrr decimal(18, 2))"
            )
            connection.executemany(
                "insert into revenue.fct_mrr_by_customer_month values (?, ?, ?, ?)",
                [(policy, date(2026, 9, 1), key, 1) for policy, key in FIGURES[1]]
                + [
                    (policy, date(2026, 10, 1), key, value)
                    for (policy, key), value in FIGURES[n].items()
                ],
            )
            connection.execute("create table core.dim_customers as select 'c1' as customer_id")
            if n == 2:
                connection.execute("create table core.dim_new as select 1 as x")
            connection.execute(
                "create table quality.load_log as select 'billing' as source,"
                " 'subscriptions' as table_name, cast(file as varchar) as sha256,"
                f" 'accepted' as state from range({n}) as files (file)"
            )
        self.now = self.now.replace(hour=self.now.hour + 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("home"))
    made.land(
        "1.csv",
        subscription("s1", "c1", "active", "2026-01-01T00:00:00Z"),
        subscription("s2", "c2", "active", "2026-01-01T00:00:00Z"),
        subscription("s4", "c4", "active", "2026-01-01T00:00:00Z"),
    )
    made.release(1, "code 1", '{"p": "1", "q": "1"}')
    made.land(
        "2.csv",
        subscription("s1", "c1", "past_due", "2026-10-02T00:00:00Z"),
        subscription("s3", "c3", "active", "2026-10-02T00:00:00Z"),
    )
    made.release(2, "code 2", '{"p": "1", "q": "2"}')
    yield made
    made.control.close()


@pytest.fixture(scope="module")
def diff(home: Home) -> ReleaseDiff:
    return compare_releases(home.settings, home.control, 1, 2)


def test_each_customer_has_its_reason(diff: ReleaseDiff) -> None:
    """A new version, a new customer, another definition of q, and else the code."""
    found = {(row.policy_id, row.customer_id): row for row in diff.mrr}
    assert {key: (row.before, row.after, row.why) for key, row in found.items()} == {
        ("p", "c1"): (Decimal(100), Decimal(80), "changed data"),
        ("p", "c3"): (Decimal(0), Decimal(50), "new data"),
        ("p", "c4"): (Decimal(30), Decimal(40), "code"),
        ("q", "c4"): (Decimal(30), Decimal(35), "policy"),
    }
    assert found["p", "c1"].sources == ("billing.subscriptions/s1",)
    assert {row.month for row in diff.mrr} == {"2026-10-01"}


def test_each_mart_says_what_is_gone_and_what_has_come(diff: ReleaseDiff) -> None:
    assert [
        (mart.mart, mart.only_before, mart.only_after, mart.months, mart.customers, mart.note)
        for mart in diff.marts
    ] == [
        ("core.dim_new", 0, 1, (), None, "new mart"),
        ("revenue.fct_mrr_by_customer_month", 3, 4, ("2026-10-01",), 3, ""),
    ]
    cells = {(row.customer_id, row.only_before, row.only_after) for row in diff.customers}
    assert cells == {("c1", 1, 1), ("c3", 0, 1), ("c4", 2, 2)}


def test_it_says_what_happened_between(diff: ReleaseDiff) -> None:
    between = diff.between
    assert (between.files_new, between.files_gone) == (1, 0)
    assert between.rows_by_table == (("billing.subscriptions", 2),)
    assert between.is_code_changed
    assert between.changed_policies == ("q",)


def test_people_and_programs_can_read_it(diff: ReleaseDiff) -> None:
    text = "\n".join(lines(diff, "USD"))
    assert "p 2026-10  -20.00 USD, 1 customer: changed data" in text
    assert "p 2026-10 c3  0.00 -> 50.00  new data (billing.subscriptions/s3)" in text
    parsed = json.loads(diff.as_json())
    assert parsed["mrr"][0]["before"] == "100.00"


def test_releases_that_are_not_there_are_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Release 3 does not exist; there are 1 to 2"):
        compare_releases(home.settings, home.control, 1, 3)
    with pytest.raises(ConfigurationError, match="same release"):
        compare_releases(home.settings, home.control, 2, 2)
    done = run_cli(tmp_path, "diff", "--from", "1", "--to", "2")
    assert (done.returncode, "no release yet" in done.stderr) == (2, True)
