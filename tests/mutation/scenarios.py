"""What every mutant is run on: databases of random histories and of hand cases, under policies
that between them use every value of every switch that moves MRR.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from tests.mutation.cases import CASES, as_tenant, numbered
from tests.mutation.chain import CATALOG, Covered, HandCheck, Prepared
from tests.mutation.compiled import compiled_nodes, selectors
from tests.oracle.money import Rates
from tests.oracle.months import KINDS, MonthTotal
from tests.oracle.policy import Policy, policy_from_row
from tests.oracle.replay import Company, replay
from tests.oracle.versions import Settings
from tests.properties.expected import Answer, Oracle, units
from tests.properties.histories import FEATURES, Tenant, World, make_tenant, make_world
from tests.properties.policies import random_policy
from tests.properties.warehouse import SEPARATOR, Built, policy_row, pooled
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, write_raw_tables

SHIPPED = ("board_strict", "stripe_legacy", "chartmogul_2025", "recurly_classic")
RANDOM = (6, 19, 34, 38)
LADDER_TENANTS = 40
"""So many tenants of a scenario are replayed at every step of the ladder: that is costly."""

LADDER_SWITCHES = (
    "mrr_basis", "counted_statuses", "past_due_grace_days", "paused", "discounts", "metered",
    "refunds", "churn_at", "grain", "movement_grain", "week_factor", "day_factor", "fx",
)  # fmt: skip

MONEY = tuple(f"{name}_mrr" for name in ("opening", *KINDS, "closing"))
COUNTS = tuple(f"{name}_customers" for name in ("opening", "new", "reactivated", "churned",
                                                "closing"))  # fmt: skip
COVERED = {
    "fct_mrr_movements": Covered(
        ("policy_id", "customer_id", "subscription_id", "movement_date", "movement_type",
         "mrr_before", "mrr_after", "mrr_change", "quantity_effect", "price_effect",
         "plan_effect", "discount_effect", "churn_type", "churn_reason")
    ),
    "fct_mrr_by_customer_month": Covered(("policy_id", "customer_id", "month", *MONEY)),
    "fct_mrr_by_month": Covered(
        ("policy_id", "month", *MONEY, *COUNTS, "arr", "arpa", "net_new_mrr", "quick_ratio",
         "is_complete"),
        "segment_type = 'all'",
    ),
    "fct_mrr_policy_bridge": Covered(
        ("month", "customer_id", "from_policy_id", "to_policy_id", "step_no", "switch",
         "difference"),
        f"cast(split_part(customer_id, '{SEPARATOR}', 1) as integer) < {LADDER_TENANTS}",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A world and its tenants; `checks` are what hand cases say of it beside the oracle."""

    name: str
    world: World
    tenants: tuple[Tenant, ...]
    checks: tuple[HandCheck, ...] = ()


def policies() -> tuple[Policy, ...]:
    """The official policy first, then shipped and random ones."""
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
        policy_id="planned_4", mrr_basis="invoice", discounts="none", grain="parent_account"
    )
    return (*shipped, *some, last, month_ends, parents, gross)


def scenarios(histories: int) -> list[Scenario]:
    """The hand cases, then two worlds with random histories.

    Args:
        histories: random histories, half of them in each world.
    """
    cases = make_world(7, date(2024, 5, 31), "UTC", "USD")
    end = make_world(0, date(2024, 5, 31), "UTC", "USD")
    middle = make_world(1, date(2024, 6, 12), "America/New_York", "EUR")
    checks = tuple(
        HandCheck(case.name, own.query, own.expected)
        for number, case in enumerate(CASES)
        for check in case.checks
        for own in [numbered(check, number)]
    )
    return [
        Scenario("hand cases", cases, tuple(as_tenant(case) for case in CASES), checks),
        Scenario("month end", end, histories_of(end, histories // 2, 100)),
        Scenario("mid month", middle, histories_of(middle, histories - histories // 2, 101)),
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
    some = policies()
    folder.mkdir(parents=True)
    database = folder / DATABASE_NAME
    write_raw_tables(database, pooled(scenario.tenants, scenario.world))
    variables = _variables(scenario.world, some)
    project = DbtProject(folder / "dbt")
    project.build(database, selectors(), variables)
    nodes = compiled_nodes(project, database, variables)
    differing = _differing(scenario, some, database)
    return Prepared(scenario.name, database, nodes, COVERED, scenario.checks), differing


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


def _differing(scenario: Scenario, some: Sequence[Policy], database: Path) -> list[str]:
    built = Built(database, len(scenario.tenants), some)
    answers: list[Answer] = Oracle(scenario.world, some).many(scenario.tenants)
    differing = [
        f"{scenario.name}: tenant {number} {policy_id} {mart} only built "
        f"{[one for one in found if one not in facts]} only expected "
        f"{[one for one in facts if one not in found]}"
        for number, answer in enumerate(answers)
        for policy_id, figures in answer.items()
        for mart, facts in figures.facts.items()
        for found in [built.figures[number][policy_id].facts[mart]]
        if facts != found
    ]
    connection = duckdb.connect()
    try:
        connection.execute(f"attach '{database}' as {CATALOG} (read_only)")
        totals = _query(connection, "fct_mrr_by_month")
        ladder = _query(connection, "fct_mrr_policy_bridge")
    finally:
        connection.close()
    companies = _companies(scenario)
    differing += _unequal("fct_mrr_by_month", totals, _totals(companies, some), scenario.name)
    return differing + _unequal(
        "fct_mrr_policy_bridge", ladder, _ladder(companies, some), scenario.name
    )


def _query(connection: duckdb.DuckDBPyConnection, mart: str) -> set[tuple[Any, ...]]:
    covered = COVERED[mart]
    query = f"select {', '.join(covered.columns)} from {CATALOG}.revenue.{mart}"
    return set(connection.execute(f"{query} where {covered.where}").fetchall())


def _unequal(
    mart: str, found: set[tuple[Any, ...]], expected: set[tuple[Any, ...]], name: str
) -> list[str]:
    return [f"{name}: {mart} only built {row}" for row in sorted(found - expected, key=str)] + [
        f"{name}: {mart} only expected {row}" for row in sorted(expected - found, key=str)
    ]


def _companies(scenario: Scenario) -> list[Company]:
    world = scenario.world
    settings = Settings(world.as_of, world.zone, world.currency)
    rates = Rates(world.fx_rows(), settings)
    return [Company(tenant.rows, settings, rates) for tenant in scenario.tenants]


def _decimal(value: Fraction | None, digits: int) -> Any:
    """Rounded half up, as the mart has it."""
    if value is None:
        return None
    scaled = abs(value) * 10**digits
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(rounded if value >= 0 else -rounded).scaleb(-digits)


def _totals(companies: Iterable[Company], some: Sequence[Policy]) -> set[tuple[Any, ...]]:
    sums: dict[tuple[str, date], MonthTotal] = {}
    companies = list(companies)
    for policy in some:
        for company in companies:
            for total in replay(company, policy).month_totals:
                into = sums.setdefault(
                    (policy.policy_id, total.month), MonthTotal(total.month, total.is_complete)
                )
                into.opening += total.opening
                into.closing += total.closing
                for kind in KINDS:
                    into.sums[kind] += total.sums[kind]
                for name in COUNTS:
                    setattr(into, name, getattr(into, name) + getattr(total, name))
    months = {total.month: total.is_complete for total in sums.values()}
    for policy in some:
        for month, is_complete in months.items():
            sums.setdefault((policy.policy_id, month), MonthTotal(month, is_complete))
    return {
        (policy_id, month,
         *(_decimal(value, 2) for value in (
             total.opening, *(total.sums[kind] for kind in KINDS), total.closing)),
         *(getattr(total, name) for name in COUNTS),
         _decimal(total.arr, 2), _decimal(total.arpa, 2), _decimal(total.net_new, 2),
         _decimal(total.quick_ratio, 6), total.is_complete)
        for (policy_id, month), total in sums.items()
    }  # fmt: skip


def _ladder(companies: Sequence[Company], some: Sequence[Policy]) -> set[tuple[Any, ...]]:
    """The steps of the first tenants by replaying every policy on the way."""
    found: set[tuple[Any, ...]] = set()
    first = _on_customers(some[0])
    for number, company in enumerate(companies[:LADDER_TENANTS]):
        origin = _closings(company, first)
        for other in some[1:]:
            before, at, step_no = first, origin, 0
            for switch in LADDER_SWITCHES:
                changed = _with_switch(before, other, switch)
                if not _is_switched(some[0], other, switch):
                    continue
                step_no += 1
                closings = _closings(company, _on_customers(changed))
                found |= {
                    (month, f"{number}{SEPARATOR}{customer}", some[0].policy_id, other.policy_id,
                     step_no, switch, _decimal(Fraction(difference, 10000), 2))
                    for customer, month in closings.keys() | at.keys()
                    for difference in [
                        closings.get((customer, month), 0) - at.get((customer, month), 0)
                    ]
                    if difference
                }  # fmt: skip
                before, at = changed, closings
    return found


def _is_switched(one: Policy, other: Policy, switch: str) -> bool:
    if switch == "fx" and one.constant_fx_date != other.constant_fx_date:
        return True
    return bool(getattr(one, switch) != getattr(other, switch))


def _with_switch(policy: Policy, other: Policy, switch: str) -> Policy:
    values: dict[str, Any] = {switch: getattr(other, switch)}
    if switch == "fx":
        values["constant_fx_date"] = other.constant_fx_date
    return replace(policy, **values)


def _on_customers(policy: Policy) -> Policy:
    """The ladder stays with customers where a policy counts parents."""
    return replace(policy, grain="customer") if policy.grain == "parent_account" else policy


def _closings(company: Company, policy: Policy) -> dict[tuple[str, date], int]:
    sums: dict[tuple[str, date], int] = {}
    for row in replay(company, policy).unit_months:
        if row.closing:
            key = (row.customer_id, row.month)
            sums[key] = sums.get(key, 0) + units(row.closing)
    return sums
