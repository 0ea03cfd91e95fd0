"""`source_ids` are complete: what the oracle cannot do without is named, what is named is there.

For random histories each raw row is taken away in turn and the oracle replays the rest. Where a
movement becomes another one, the row was behind it, so the mart has to name it. Rows of a
subscription that is not counted at the time are left out, and one-time and metered prices, which
keep a line out: they are behind what did not happen.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.control import Control
from orchestration.errors import ConfigurationError
from orchestration.explain.show import as_json, as_text
from orchestration.explain.walk import explain
from orchestration.landing.contract import load_contract
from orchestration.lineage import write_lineage
from orchestration.settings import Settings as HomeSettings
from orchestration.settings import load_settings
from tests.golden.policy_cases import presets
from tests.oracle.money import Rates
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay
from tests.oracle.versions import Settings
from tests.properties.histories import Tenant, World, make_world
from tests.properties.test_histories import WORLDS, generated
from tests.properties.warehouse import SEPARATOR, policy_row, pooled
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

HISTORIES = 100
#: They differ in when service ends, in discounts, refunds and exchange rates, and in whether prices
#: or invoices say what an item is worth.
POLICIES = (
    "board_strict",
    "stripe_legacy",
    "profitwell_2023",
    "chartmogul_2025",
    "recurly_classic",
)

#: A unit, a day, and whether exchange rates alone are behind it.
Key = tuple[str, date, bool]
Sources = dict[tuple[str, Key], set[str]]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(1, *WORLDS[1])


@pytest.fixture(scope="module")
def histories(world: World) -> list[Tenant]:
    return generated(world, HISTORIES, 4711)


@pytest.fixture(scope="module")
def database(
    world: World, histories: list[Tenant], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    database = folder / DATABASE_NAME
    write_raw_tables(database, pooled(histories, world))
    shipped = presets()
    variables: dict[str, Any] = {
        "as_of_date": world.as_of.isoformat(),
        "reporting_timezone": world.zone,
        "reporting_currency": world.currency,
        "enabled_policies": list(POLICIES),
        "official_policy": POLICIES[0],
    }
    assert all(policy_row(shipped[name]) for name in POLICIES)
    marts = ("fct_mrr_by_month", "fct_mrr_by_customer_month", "dim_customers")
    select = ["+fct_mrr_movements", "dim_metric_policies", *(f"+{mart}" for mart in marts)]
    DbtProject(folder / "dbt").build(database, select, variables)
    return database


@pytest.fixture(scope="module")
def named(database: Path) -> Sources:
    """The raw rows that the mart names, by policy and movement."""
    found: Sources = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select policy_id, coalesce(subscription_id, customer_id), movement_date,"
            " movement_type = 'fx', source_ids from revenue.fct_mrr_movements"
        ).fetchall()
    for policy_id, unit_id, day, is_fx, source_ids in rows:
        found.setdefault((policy_id, (unit_id, day, is_fx)), set()).update(source_ids)
    return found


def changes(tenant: Tenant, policy: Policy, settings: Settings, rates: Rates) -> Counter[Key]:
    """What the oracle says changed, by unit, day and whether rates alone did it."""
    total: Counter[Key] = Counter()
    for move in replay(Company(tenant.rows, settings, rates), policy).movements:
        total[move.unit_id, move.day, move.kind == "fx"] += move.change  # type: ignore[assignment]
    return total


def without_each_row(tenant: Tenant) -> Iterator[tuple[str, str, Tenant]]:
    """Table, key, and the history without all versions of that row."""
    for table, rows in tenant.rows.items():
        for key in dict.fromkeys(row["id"] for row in rows if row.get("id") is not None):
            rest = [row for row in rows if row.get("id") != key]
            yield table, str(key), replace(tenant, rows={**tenant.rows, table: rest})


def subscription_of(tenant: Tenant, table: str, key: str) -> str | None:
    """The subscription that a raw row belongs to; None where it belongs to none."""
    row: Mapping[str, Any] = next(row for row in tenant.rows[table] if row.get("id") == key)
    parents = {
        "billing.refunds": ("payment_id", "billing.payments"),
        "billing.payments": ("invoice_id", "billing.invoices"),
        "billing.invoice_line_items": ("invoice_id", "billing.invoices"),
    }
    if table == "billing.subscriptions":
        return key
    if row.get("subscription_id") is not None or table not in parents:
        own = row.get("subscription_id")
        return None if own is None else str(own)
    column, parent = parents[table]
    if any(one.get("id") == row.get(column) for one in tenant.rows.get(parent, ())):
        return subscription_of(tenant, parent, str(row[column]))
    return None


def keeps_lines_out(tenant: Tenant, table: str, key: str) -> bool:
    """Whether a row is a price whose lines are no MRR; without it a line would count by itself."""
    return table == "billing.prices" and any(
        row.get("type") == "one_time" or row.get("usage_type") == "metered"
        for row in tenant.rows[table]
        if row["id"] == key
    )


@pytest.mark.parametrize("policy_id", POLICIES)
def test_a_row_without_which_a_movement_would_be_another_is_named(
    world: World, histories: list[Tenant], named: Sources, policy_id: str
) -> None:
    policy = presets()[policy_id]
    settings = Settings(world.as_of, world.zone, world.currency)
    rates = Rates(world.fx_rows(), settings)
    missing: list[str] = []
    looked = 0
    for number, tenant in enumerate(histories):
        prefix = f"{number}{SEPARATOR}"
        whole = changes(tenant, policy, settings, rates)
        if not whole:
            continue
        for table, key, rest in without_each_row(tenant):
            changed = changes(rest, policy, settings, rates)
            subscription = subscription_of(tenant, table, key)
            silent = policy.mrr_basis == "invoice" and keeps_lines_out(tenant, table, key)
            for (unit, day, is_fx), change in whole.items():
                if changed.get((unit, day, is_fx), Fraction(0)) == change or not change:
                    continue
                sources = named[policy_id, (prefix + unit, day, is_fx)]
                counted = f"billing.subscriptions/{prefix}{subscription}" in sources
                if (subscription is not None and not counted) or silent:
                    continue
                looked += 1
                if f"{table}/{prefix}{key}" not in sources:
                    missing.append(f"{prefix}{unit} {day}: {table}/{key} changes {change}")
    assert missing == []
    assert looked > 300


def test_every_row_that_is_named_is_there(database: Path, named: Sources) -> None:
    ids = {source_id for sources in named.values() for source_id in sources}
    with duckdb.connect(str(database), read_only=True) as connection:
        present = {
            f"billing.{table}/{key}"
            for table in {one.split("/")[0].split(".")[1] for one in ids if "fx_rates" not in one}
            for (key,) in connection.execute(f"select id from raw_billing.{table}").fetchall()
        }
        present |= {
            f"finance.fx_rates/{currency}/{day}"
            for currency, day in connection.execute(
                "select currency, rate_date from raw_finance.fx_rates"
            ).fetchall()
        }
    assert ids - present == set()
    assert all(named.values())


@pytest.fixture(scope="module")
def home(database: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> HomeSettings:
    """The same marts as release 1 of a home folder, with the books that a run writes."""
    folder = tmp_path_factory.mktemp("home")
    settings = load_settings(
        {"HOLDFAST_HOME": str(folder), "HOLDFAST_AS_OF": world.as_of.isoformat()}
    )
    settings.releases_dir.mkdir()
    release = settings.releases_dir / "1.duckdb"
    shutil.copyfile(database, release)
    with duckdb.connect(str(release)) as connection:
        connection.execute("create schema if not exists quality")
        assert write_lineage(connection, load_contract()) > 500
        connection.execute(
            "create table quality.run_log as select 'run-1' as run_id, date '2024-06-12' as"
            " as_of_date, 'i' as input_fingerprint, 'c' as code_version, 9 as rows_received,"
            " 0 as rows_quarantined, 7 as checks_run, 0 as checks_failed, 1 as checks_warned,"
            " timestamp '2024-06-13' as published_at"
        )
    with Control(settings.control_database) as control:
        control.start_run("run-1", settings.as_of, "c")
        control.connection.execute(
            "insert into releases values (1, 'run-1', 'i', 'sha', 1, '2024-06-13', '2024-06-12')"
        )
    return settings


def test_every_month_adds_up_and_names_run_policy_and_code(home: HomeSettings) -> None:
    with duckdb.connect(str(home.releases_dir / "1.duckdb"), read_only=True) as connection:
        months = connection.execute(
            "select month, closing_mrr from revenue.fct_mrr_by_month"
            " where policy_id = 'board_strict' and segment_type = 'all' order by month"
        ).fetchall()
    assert len(months) > 10
    for month, closing in months:
        explained = explain(home, "closing_mrr", month)
        assert explained.adds_up
        assert explained.value == closing
    assert explained.provenance["run_id"] == "run-1"
    assert explained.provenance["code_version"] == "c"
    assert explained.provenance["policy"]["policy_id"] == "board_strict"


def test_a_customers_figure_leads_to_file_and_row_of_every_named_row(home: HomeSettings) -> None:
    with duckdb.connect(str(home.releases_dir / "1.duckdb"), read_only=True) as connection:
        row = connection.execute(
            "select customer_id, month from revenue.fct_mrr_movements"
            " where policy_id = 'board_strict' and list_contains(list_transform(source_ids,"
            " lambda one: split_part(one, '/', 1)), 'finance.fx_rates') order by all limit 1"
        ).fetchone()
    assert row is not None
    customer_id, month = row
    explained = explain(home, "closing_mrr", month, customer_id=customer_id)
    ids = {one for move in explained.movements for one in move["source_ids"]}
    assert {raw["source_id"] for raw in explained.raw_rows} == ids
    assert all(raw["file"] and raw["file_row"] >= 1 for raw in explained.raw_rows)
    text = "\n".join(as_text(explained))
    assert "finance/fx_rates/test.csv" in text
    assert json.loads(as_json(explained))["raw_rows"][0]["file_row"] >= 1


def test_a_figure_that_does_not_add_up_is_called_so(home: HomeSettings) -> None:
    month = date(2024, 3, 1)
    release = home.releases_dir / "1.duckdb"
    good = release.read_bytes()
    with duckdb.connect(str(release)) as connection:
        connection.execute(
            "update revenue.fct_mrr_movements set mrr_change = mrr_change + 1 where movement_id ="
            " (select min(movement_id) from revenue.fct_mrr_movements where month = ?"
            " and policy_id = 'board_strict')",
            [month],
        )
    explained = explain(home, "closing_mrr", month)
    release.write_bytes(good)
    assert not explained.adds_up
    assert "THIS DOES NOT ADD UP" in "\n".join(as_text(explained))


def test_what_cannot_be_explained_is_a_clear_error(home: HomeSettings) -> None:
    month = date(2024, 3, 1)
    for arguments, message in (
        (("nrr", month, None, None), "There is no metric 'nrr'"),
        (("arr", date(2031, 1, 1), None, None), "There are figures from"),
        (("arr", month, None, "no_such"), "The release has no policy 'no_such'. It has: board"),
        (("arr", month, "nobody", None), "There is no customer 'nobody'"),
    ):
        metric, when, customer, policy = arguments
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            explain(home, metric, when, customer_id=customer, policy_id=policy)
