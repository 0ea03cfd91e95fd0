"""`source_ids` are complete: what the oracle cannot do without is named, what is named is there.

For random histories each raw row is taken away in turn and the oracle replays the rest. Where a
movement becomes another one, the row was behind it, so the mart has to name it. Rows of a
subscription that is not counted at the time are left out: they are behind what did not happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

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
#: They differ in when service ends, in discounts, refunds and exchange rates.
POLICIES = ("board_strict", "stripe_legacy", "profitwell_2023")

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
    DbtProject(folder / "dbt").build(database, ["+fct_mrr_movements"], variables)
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
            for (unit, day, is_fx), change in whole.items():
                if changed.get((unit, day, is_fx), Fraction(0)) == change or not change:
                    continue
                sources = named[policy_id, (prefix + unit, day, is_fx)]
                counted = f"billing.subscriptions/{prefix}{subscription}" in sources
                if subscription is not None and not counted:
                    continue
                looked += 1
                if f"{table}/{prefix}{key}" not in sources:
                    missing.append(f"{prefix}{unit} {day}: {table}/{key} changes {change}")
    assert looked > 500
    assert missing == []


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
