"""What the oracle says of a scenario, and of which cells of which marts it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from tests.mutation.chain import CATALOG, Covered, HandCheck
from tests.oracle.money import Rates
from tests.oracle.months import KINDS, MonthTotal
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay
from tests.oracle.versions import Settings
from tests.properties.comparison import unequal_sums
from tests.properties.expected import Answer, Oracle
from tests.properties.histories import Tenant, World
from tests.properties.warehouse import (
    COHORT_SUMS,
    CURVE_SUMS,
    PERIOD_SUMS,
    SEPARATOR,
    Built,
)

LADDER_TENANTS = 48
"""So many tenants of a scenario are replayed at every step of the ladder: that is costly."""

MONEY = tuple(f"{name}_mrr" for name in ("opening", *KINDS, "closing"))
COUNTS = tuple(f"{name}_customers" for name in ("opening", "new", "reactivated", "churned",
                                                "closing"))  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A world and its tenants; `checks` are what hand cases say of it beside the oracle, `official`
    is the policy from which the ladders start.
    """

    name: str
    world: World
    tenants: tuple[Tenant, ...]
    checks: tuple[HandCheck, ...] = ()
    official: str = "board_strict"


def covered(some: Sequence[Policy]) -> dict[str, Covered]:
    """What the oracle says of each mart under these policies."""
    # At the grain `subscription` a cohort has no customers to count.
    by_customer = ", ".join(f"'{one.policy_id}'" for one in some if one.grain != "subscription")
    of_all = "segment_type = 'all' and segment_value = 'all'"
    return {
        "fct_mrr_movements": Covered(
            ("policy_id", "customer_id", "subscription_id", "movement_date", "movement_type",
             "mrr_before", "mrr_after", "mrr_change", "mrr_change_native", "quantity_effect",
             "price_effect", "plan_effect", "discount_effect", "churn_type", "churn_reason",
             "churn_feedback")
        ),
        "fct_mrr_by_customer_month": Covered(("policy_id", "customer_id", "month", *MONEY)),
        "fct_mrr_by_month": Covered(
            ("policy_id", "month", *MONEY, *COUNTS, "arr", "arpa", "net_new_mrr", "quick_ratio",
             "is_complete"),
            of_all,
        ),
        "fct_mrr_policy_bridge": Covered(
            ("month", "customer_id", "from_policy_id", "to_policy_id", "step_no", "switch",
             "difference"),
            f"cast(split_part(customer_id, '{SEPARATOR}', 1) as integer) < {LADDER_TENANTS}",
        ),
        "fct_retention_by_cohort_month": Covered(
            ("policy_id", "cohort_month", "months_since", *COHORT_SUMS),
            f"{of_all} and policy_id in ({by_customer})",
        ),
        "fct_retention_curve": Covered(
            ("policy_id", "months_since", *CURVE_SUMS),
            f"{of_all} and policy_id in ({by_customer})",
        ),
        "fct_retention_by_period": Covered(
            ("policy_id", "period_type", "period_start", *PERIOD_SUMS), of_all
        ),
    }  # fmt: skip


def differing(scenario: Scenario, some: Sequence[Policy], database: Path) -> list[str]:
    """What a built database says other than the oracle."""
    built = Built(database, len(scenario.tenants), some)
    oracle = Oracle(scenario.world, some)
    answers: list[Answer] = oracle.many(scenario.tenants)
    found = [
        f"tenant {number} {policy_id} {mart} only built "
        f"{[one for one in rows if one not in facts]} only expected "
        f"{[one for one in facts if one not in rows]}"
        for number, answer in enumerate(answers)
        for policy_id, figures in answer.items()
        for mart, facts in figures.facts.items()
        for rows in [built.figures[number][policy_id].facts[mart]]
        if facts != rows
    ]
    found += unequal_sums(scenario.world, some, answers, built)
    connection = duckdb.connect()
    try:
        connection.execute(f"attach '{database}' as {CATALOG} (read_only)")
        totals, ladder = (
            _query(connection, mart, covered(some)[mart])
            for mart in ("fct_mrr_by_month", "fct_mrr_policy_bridge")
        )
    finally:
        connection.close()
    found += _unequal("fct_mrr_by_month", totals, _totals(_companies(scenario), some))
    found += _unequal("fct_mrr_policy_bridge", ladder, _ladder(scenario, oracle))
    return [f"{scenario.name}: {line}" for line in found]


def _query(connection: duckdb.DuckDBPyConnection, mart: str, part: Covered) -> set[tuple[Any, ...]]:
    query = f"select {', '.join(part.columns)} from {CATALOG}.revenue.{mart}"
    return set(connection.execute(f"{query} where {part.where}").fetchall())


def _unequal(mart: str, found: set[tuple[Any, ...]], expected: set[tuple[Any, ...]]) -> list[str]:
    return [f"{mart} only built {row}" for row in sorted(found - expected, key=str)] + [
        f"{mart} only expected {row}" for row in sorted(expected - found, key=str)
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


def _ladder(scenario: Scenario, oracle: Oracle) -> set[tuple[Any, ...]]:
    """The steps of the first tenants."""
    return {
        (month, f"{number}{SEPARATOR}{customer_id}", *step, Decimal(change).scaleb(-4))
        for number, tenant in enumerate(scenario.tenants[:LADDER_TENANTS])
        for (customer_id, month, *step), change in oracle.ladder(tenant).items()
    }
