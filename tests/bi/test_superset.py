"""Apache Superset, a real one: our dashboard imported into a clean one, its charts and the marts.

The releases are made by hand with the contracts' columns, so every figure below is one that stands
in this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import Response
from psycopg.rows import dict_row

from bi.client import (
    ADMIN,
    ASSETS,
    Client,
    Superset,
    SupersetError,
    asset,
    official_policy,
    superset,
)
from orchestration.errors import ConfigurationError
from tests.bi.contracts import KEYS, contract
from tests.dashboard.browser import chromium
from tests.support.postgres import PostgresServer, postgres_server
from tests.targets.company import Company, Mart, make_company

pytestmark = pytest.mark.bi

#: What an address has to quote, and one sign that it must not quote twice.
PASSWORD = "p@ss:w/rd+ %41"  # pragma: allowlist secret
QUOTED = "p%40ss%3Aw%2Frd%2B%20%2541"
CHARTS = sorted((ASSETS / "charts").glob("*.yaml"))
HOSTILE = "<script>alert('Ü & Co')</script>"
#: More digits than a float can keep.
LARGE = "9007199254740993.25"


def made(mart: str, *rows: dict[str, Any]) -> Mart:
    """A mart with these rows; columns that a row does not name are null."""
    schema, name = mart.split(".")
    columns = contract(mart)
    assert not {name for row in rows for name in row} - set(columns)
    selects = [
        "select "
        + ", ".join(
            f"cast({literal(row.get(column))} as {kind}) as {column}"
            for column, kind in columns.items()
        )
        for row in rows
    ]
    return Mart(schema, name, " union all ".join(selects), KEYS.get(mart, ("policy_id",)))


def literal(value: Any) -> str:
    if value is None:
        return "null"
    text = str(value).replace("'", "''")
    return f"'{text}'"


def month_of(policy: str, month: str, segment: str, **figures: Any) -> dict[str, Any]:
    kind = "all" if segment == "all" else "plan"
    key = {"policy_id": policy, "month": month, "segment_type": kind, "segment_value": segment}
    return {**key, "is_complete": True, **figures}


def period_of(policy: str, kind: str, start: str, gross: Any, net: Any) -> dict[str, Any]:
    return {
        "policy_id": policy,
        "period_type": kind,
        "period_start": start,
        "segment_type": "all",
        "segment_value": "all",
        "gross_revenue_retention": gross,
        "net_revenue_retention": net,
    }


def movement(number: int, policy: str, month: str, kind: str, change: str) -> dict[str, Any]:
    key = {"movement_id": f"m{number}", "policy_id": policy, "month": month}
    return {**key, "movement_date": month, "movement_type": kind, "mrr_change": change}


def action(number: int, position: int | None, state: str, **more: Any) -> dict[str, Any]:
    key = {"action_id": f"a{number}", "queue_position": position, "state": state}
    return {**key, "due_date": "2026-10-04", "is_overdue": True, "mrr_at_risk": "0.1000", **more}


def marts(september: str) -> tuple[Mart, ...]:
    """All marts of a release; `september` is the closing MRR of 2026-09."""
    return (
        made(
            "core.dim_metric_policies",
            {"policy_id": "cash", "is_official": False},
            {"policy_id": "board_strict", "is_official": True},
        ),
        made(
            "revenue.fct_mrr_by_month",
            # Opens with more than September: sorted by figures it would not be the last row.
            month_of("board_strict", "2026-08-01", "all", opening_mrr="99.99", closing_mrr="0"),
            month_of("board_strict", "2026-09-01", "all", opening_mrr="0", closing_mrr=september),
            month_of("board_strict", "2026-10-01", "all", opening_mrr=september, closing_mrr=LARGE),
            month_of("board_strict", "2026-10-01", "team", opening_mrr="1", closing_mrr="2.22"),
            month_of("cash", "2026-10-01", "all", opening_mrr="3", closing_mrr="4.44"),
        ),
        made(
            "revenue.fct_mrr_movements",
            movement(1, "board_strict", "2026-09-01", "new", "0.1000"),
            movement(2, "board_strict", "2026-09-01", "new", "0.2000"),
            movement(3, "board_strict", "2026-09-01", "churn", "-19.9999"),
            movement(4, "board_strict", "2026-10-01", "new", "7.0001"),
            movement(5, "cash", "2026-10-01", "new", "1000.0000"),
        ),
        made(
            "retention.fct_retention_by_period",
            period_of("board_strict", "month", "2026-09-01", "0.912345", "1.054321"),
            period_of("board_strict", "month", "2026-10-01", None, "0.333333"),
            period_of("board_strict", "quarter", "2026-07-01", "0.5", "0.6"),
            period_of("cash", "month", "2026-10-01", "0.7", "0.8"),
        ),
        made(
            "customer_success.fct_action_queue",
            action(1, 2, "open", account_name=HOSTILE, mrr_at_risk="261.6300"),
            action(2, 1, "open", account_name=None, due_date="2026-11-30", is_overdue=False),
            action(3, None, "done", account_name="Not any more"),
        ),
    )


@dataclass
class Tool:
    """A Superset with our dashboard, and the company whose releases it shows."""

    superset: Superset
    client: Client
    company: Company
    server: PostgresServer
    address: str

    def shown(self, chart: str) -> list[dict[str, Any]]:
        """The rows of a chart."""
        number = self.client.charts()[asset("charts", chart)["uuid"]]
        return self.client.chart_data(number)

    def read(self, sql: str) -> list[dict[str, Any]]:
        """What the database says, read by its own client."""
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    folder = tmp_path_factory.mktemp("superset")
    with postgres_server() as server:
        company = make_company(folder, server.dsn())
        release(company, "87.65")
        with psycopg.connect(server.superuser, autocommit=True) as admin:
            quoted = PASSWORD.replace("'", "''")
            admin.execute(f"create role superset_reader login password '{quoted}'")
            admin.execute("grant bi_reader to superset_reader")
            # The password is asked for, so that one that did not arrive is seen.
            access = server.data / "pg_hba.conf"
            rule = "host bi superset_reader 127.0.0.1/32 scram-sha-256\n"
            access.write_text(rule + access.read_text("utf-8"), "utf-8")
            admin.execute("select pg_reload_conf()")
        address = f"postgresql://superset_reader:{QUOTED}@127.0.0.1:{server.port}/bi"
        with superset(folder / "superset") as running:
            client = Client(running)
            client.import_assets(address, official_policy(address))
            yield Tool(running, client, company, server, address)


def release(company: Company, september: str) -> None:
    company.with_marts(*marts(september))
    company.release()
    assert not company.publish().is_behind


def epoch(day: date) -> int:
    """As Superset sends a day: milliseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def chart_number(url: str) -> int:
    """Which chart the browser asked for: `form_data` of the address has its number."""
    (form,) = parse_qs(urlsplit(url).query)["form_data"]
    return int(json.loads(form)["slice_id"])


def drawn(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as a browser draws them: figures are floats."""
    return [
        {name: float(v) if isinstance(v, Decimal | int) else v for name, v in row.items()}
        for row in rows
    ]


def pivoted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Movements as a chart of bars has them: a row for each month, a column for each kind."""
    kinds = sorted({row["movement_type"] for row in rows})
    months = {row["month"]: dict.fromkeys(kinds) for row in rows}
    for row in rows:
        months[row["month"]][row["movement_type"]] = row["mrr_change_sum"]
    return [{"month": month, **figures} for month, figures in sorted(months.items())]


def as_sent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the database with their days as Superset sends them."""
    return [
        {name: epoch(value) if isinstance(value, date) else value for name, value in row.items()}
        for row in rows
    ]


AUGUST, SEPTEMBER, OCTOBER = (epoch(date(2026, month, 1)) for month in (8, 9, 10))


def test_every_chart_shows_its_mart(tool: Tool) -> None:
    asked = {
        "mrr_by_month": "select month, closing_mrr from revenue.fct_mrr_by_month"
        " where policy_id = 'board_strict' and segment_type = 'all' order by month",
        "mrr_movements": "select month, movement_type, sum(mrr_change) as mrr_change_sum"
        " from revenue.fct_mrr_movements where policy_id = 'board_strict'"
        " group by month, movement_type order by month, movement_type",
        "retention_by_month": "select period_start, gross_revenue_retention,"
        " net_revenue_retention from retention.fct_retention_by_period"
        " where policy_id = 'board_strict' and period_type = 'month'"
        " and segment_type = 'all' order by period_start",
        "mrr_waterfall": "select month, opening_mrr, new_mrr, reactivation_mrr, expansion_mrr,"
        " contraction_mrr, churn_mrr, fx_mrr, closing_mrr from revenue.fct_mrr_by_month"
        " where policy_id = 'board_strict' and segment_type = 'all' order by month desc",
        "action_queue": "select queue_position, account_name, trigger_key, severity, playbook_key,"
        " channel, owner, due_date, is_overdue, mrr_at_risk, action_id"
        " from customer_success.fct_action_queue where state = 'open' order by queue_position",
    }
    assert set(asked) == {path.stem for path in CHARTS}
    for chart, sql in asked.items():
        expected = as_sent(tool.read(sql))
        assert len(expected) > 1
        assert tool.shown(chart) == expected, chart


def test_figures_are_those_that_were_released(tool: Tool) -> None:
    assert tool.shown("mrr_by_month") == [
        {"month": AUGUST, "closing_mrr": Decimal(0)},
        {"month": SEPTEMBER, "closing_mrr": Decimal("87.65")},
        {"month": OCTOBER, "closing_mrr": Decimal(LARGE)},
    ]
    movements = [tuple(row.values()) for row in tool.shown("mrr_movements")]
    assert movements == [
        (SEPTEMBER, "churn", Decimal("-19.9999")),
        (SEPTEMBER, "new", Decimal("0.3")),
        (OCTOBER, "new", Decimal("7.0001")),
    ]
    retention = [tuple(row.values()) for row in tool.shown("retention_by_month")]
    assert retention == [
        (SEPTEMBER, Decimal("0.912345"), Decimal("1.054321")),
        (OCTOBER, None, Decimal("0.333333")),
    ]
    queue = tool.shown("action_queue")
    assert [row["action_id"] for row in queue] == ["a2", "a1"]
    assert [row["account_name"] for row in queue] == [None, HOSTILE]
    assert [row["is_overdue"] for row in queue] == [False, True]


def test_a_figure_of_a_month_is_not_added_up(tool: Tool) -> None:
    dataset = tool.client.datasets()["revenue.fct_mrr_by_month"]
    one = [{"col": "policy_id", "op": "==", "val": "cash"}]
    single = tool.client.query(dataset, metrics=["closing_mrr"], columns=[], filters=one)
    several = tool.client.query(dataset, metrics=["closing_mrr"], columns=[])
    assert single == [{"closing_mrr": Decimal("4.44")}]
    assert several == [{"closing_mrr": None}]
    movements = tool.client.datasets()["revenue.fct_mrr_movements"]
    assert tool.client.query(movements, metrics=["mrr_change_sum"], columns=[]) == [
        {"mrr_change_sum": None}
    ]


def test_charts_turn_with_the_release(tool: Tool) -> None:
    release(tool.company, "99.01")
    try:
        assert tool.shown("mrr_by_month")[1]["closing_mrr"] == Decimal("99.01")
    finally:
        release(tool.company, "87.65")


def test_charts_are_of_the_policy_that_was_asked_for(tool: Tool) -> None:
    assert official_policy(tool.address) == "board_strict"
    tool.client.import_assets(tool.address, "cash")
    try:
        assert tool.shown("mrr_by_month") == [{"month": OCTOBER, "closing_mrr": Decimal("4.44")}]
    finally:
        tool.client.import_assets(tool.address)
    with pytest.raises(ConfigurationError, match="make publish"):
        official_policy(tool.server.dsn("postgres", "postgres"))


def test_another_import_replaces_what_is_there(tool: Tool) -> None:
    before = tool.client.charts()
    tool.client.import_assets(tool.address)
    assert tool.client.charts() == before
    assert len(tool.shown("mrr_by_month")) == 3


def test_the_dashboard_is_drawn_and_nobody_else_is_asked(tool: Tool) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 2000})
        page.set_default_timeout(120_000)
        answered: list[Response] = []
        page.on("response", lambda one: answered.append(one))
        page.goto(f"{tool.superset.url}/login/")
        page.fill("input[type=text]", ADMIN)
        page.fill("input[type=password]", tool.superset.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto(f"{tool.superset.url}/superset/dashboard/holdfast/")
        # Lines and bars are drawings, the other two are tables.
        page.locator("canvas").nth(2).wait_for()
        page.locator("table tbody tr").nth(3).wait_for()
        assert page.locator(".dashboard-chart").count() == len(CHARTS)
        text = page.inner_text("body")
        # The browser makes queries of its own; they are to say what the stored ones say.
        numbers = {number: uuid for uuid, number in tool.client.charts().items()}
        names = {asset("charts", path.stem)["uuid"]: path.stem for path in CHARTS}
        shown = {}
        for one in (one for one in answered if "/api/v1/chart/data" in one.url):
            (result,) = json.loads(one.text(), parse_float=Decimal)["result"]
            shown[names[numbers[chart_number(one.url)]]] = result["data"]
        assert drawn(shown.pop("mrr_movements")) == drawn(pivoted(tool.shown("mrr_movements")))
        for name, rows in shown.items():
            assert drawn(rows) == drawn(tool.shown(name)), name
        assert len(shown) == len(CHARTS) - 1
        months = page.locator("td").filter(has_text=re.compile(r"^2026-\d\d$"))
        assert months.all_inner_texts() == ["2026-10", "2026-09", "2026-08"]
        assert HOSTILE in text
        assert "9,007,199,254,740,99" in text
        for one in ("Unexpected error", "No results", "Cannot load"):
            assert one not in text
        # The pixel that counts installations is in the page; the browser is not let out to it.
        assert "gateway.scarf.sh" in page.content()
        here = (f"{tool.superset.url}/", "data:", "blob:")
        assert [one.url for one in answered if not one.url.startswith(here)] == []


def test_a_wrong_password_is_said(tool: Tool) -> None:
    tool.client.import_assets(tool.address.replace(QUOTED, "wrong"))
    try:
        with pytest.raises(SupersetError, match="password authentication failed"):
            tool.shown("mrr_by_month")
    finally:
        tool.client.import_assets(tool.address)
