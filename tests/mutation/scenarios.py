"""What every mutant is run on: databases of random histories and of hand cases, under policies
that between them use every value of every switch that moves MRR.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.mutation.baseline import Scenario, covered, differing
from tests.mutation.cases import CASES, WORLD, as_tenant, numbered
from tests.mutation.chain import HandCheck, Prepared
from tests.mutation.compiled import compiled_nodes, selectors
from tests.oracle.policy import Policy, policy_from_row
from tests.properties.histories import FEATURES, Tenant, World, make_tenant, make_world
from tests.properties.policies import random_policy
from tests.properties.warehouse import (
    policy_row,
    pooled,
)
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, write_raw_tables

SHIPPED = ("board_strict", "stripe_legacy", "chartmogul_2025", "recurly_classic")
RANDOM = (6, 19, 34, 38)


def policies() -> tuple[Policy, ...]:
    """Shipped ones, random ones, and what is planned."""
    with (DBT_PROJECT_DIR / "seeds" / "metric_policies.csv").open() as file:
        rows = {row["policy_id"]: row for row in csv.DictReader(file)}
    shipped = [policy_from_row(rows[name]) for name in SHIPPED]
    some = [random_policy(number) for number in RANDOM]
    some[0] = replace(some[0], constant_fx_date=date(2024, 2, 14))
    # Parents, and every later switch of the ladder with them.
    some[2] = replace(some[2], movement_grain="month_end", day_factor=Fraction(30), fx="constant")
    # What random policies seldom bring together.
    last = Policy(
        policy_id="planned_1",
        counted_statuses=frozenset({"trialing", "active", "past_due"}),
        past_due_grace_days=1,
        discounts="recurring",
        metered="invoiced",
        refunds="reduce",
        churn_at="paid_period_end",
        zero_mrr_customer="active",
        movement_grain="event",
        reactivation_window_days=30,
        same_month_new_and_churn="suppressed",
        week_factor=Fraction(433, 100),
        day_factor=Fraction(30),
        fx="movement_day",
    )
    month_ends = Policy(policy_id="planned_2", movement_grain="month_end", fx="movement_day")
    parents = Policy(
        policy_id="planned_3", grain="parent_account", fx="constant", reactivation_window_days=30
    )
    gross = Policy(
        policy_id="planned_4",
        mrr_basis="invoice",
        discounts="none",
        grain="parent_account",
        same_month_new_and_churn="suppressed",
    )
    return (*shipped, *some, last, month_ends, parents, gross)


def scenarios(histories: int) -> list[Scenario]:
    """The hand cases, then two worlds with random histories.

    Args:
        histories: random histories, half of them in each world.
    """
    end = make_world(0, date(2024, 5, 31), "UTC", "USD")
    middle = make_world(1, date(2024, 6, 12), "America/New_York", "EUR")
    checks = tuple(
        HandCheck(case.name, own.query, own.expected)
        for number, case in enumerate(CASES)
        for check in case.checks
        for own in [numbered(check, number)]
    )
    return [
        Scenario("hand cases", WORLD, tuple(as_tenant(case) for case in CASES), checks),
        Scenario("month end", end, histories_of(end, histories // 2, 100)),
        Scenario(
            "mid month",
            middle,
            histories_of(middle, histories - histories // 2, 101),
            official="planned_3",
        ),
    ]


def histories_of(world: World, count: int, number: int) -> tuple[Tenant, ...]:
    """Random histories: the same ones for the same number, in every process."""
    chance = random.Random(number)
    bits = len(FEATURES)
    return tuple(
        make_tenant(
            world,
            chance.getrandbits(bits) & (chance.getrandbits(bits) | chance.getrandbits(bits)),
            chance.getrandbits(48),
        )
        for _ in range(count)
    )


def prepare(scenario: Scenario, folder: Path) -> tuple[Prepared, list[str]]:
    """Build a scenario once with dbt, compile, and hold it against the oracle.

    Returns:
        The database, and what it says other than the oracle (should be nothing). What differs
        from the oracle is left as the build says it.
    """
    some = sorted(policies(), key=lambda one: one.policy_id != scenario.official)
    folder.mkdir(parents=True)
    database = folder / DATABASE_NAME
    write_raw_tables(database, pooled(scenario.tenants, scenario.world))
    variables = _variables(scenario.world, some)
    project = DbtProject(folder / "dbt")
    project.build(database, selectors(), variables)
    nodes = compiled_nodes(project, database, variables)
    prepared = Prepared(scenario.name, database, nodes, covered(some), scenario.checks)
    return prepared, differing(scenario, some, database)


def _variables(world: World, some: Sequence[Policy]) -> dict[str, Any]:
    return {
        "as_of_date": world.as_of.isoformat(),
        "reporting_timezone": world.zone,
        "reporting_currency": world.currency,
        "enabled_policies": [one.policy_id for one in some],
        "official_policy": some[0].policy_id,
        "extra_metric_policies": [
            _as_written(policy_row(one)) for one in some if one.policy_id not in SHIPPED
        ],
    }


def _as_written(row: dict[str, Any]) -> dict[str, Any]:
    """Factors as the seed writes them: the ladder compares the text."""
    written = {"13/3": "52/12"}
    return {**row, "week_factor": written.get(row["week_factor"], row["week_factor"])}
