"""What the oracle expects of a tenant, as plain tuples that compare with the marts'.

Money is in ten-thousandths, as whole numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import date
from fractions import Fraction
from multiprocessing import get_context
from typing import Any

from tests.oracle.calendar import add_months, month_end
from tests.oracle.ladder import ladder
from tests.oracle.money import Rates, cents
from tests.oracle.months import KINDS
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay
from tests.oracle.unit_periods import PeriodSums
from tests.oracle.versions import Settings
from tests.properties.histories import Tenant, World

Fact = tuple[Any, ...]

Sums = dict[tuple[Any, ...], tuple[int, ...]]
"""What adds up over tenants, by key: money in ten-thousandths, and counts."""

MOVEMENTS, MONTHS = "fct_mrr_movements", "fct_mrr_by_customer_month"


@dataclass
class Figures:
    """The rows of each mart that a tenant owns under one policy, sorted.

    `months`, `cohorts` and `periods` are the tenant's part of the marts that sum over all
    customers; the warehouse has these for all tenants together only.
    """

    facts: dict[str, list[Fact]] = field(default_factory=lambda: {MOVEMENTS: [], MONTHS: []})
    months: Sums = field(default_factory=dict)
    cohorts: Sums = field(default_factory=dict)
    periods: Sums = field(default_factory=dict)

    def sort(self) -> Figures:
        """Bring the rows in order."""
        for rows in self.facts.values():
            rows.sort(key=str)
        return self


def units(value: Fraction) -> int:
    """Money in ten-thousandths."""
    scaled = value * 10000
    assert scaled.denominator == 1, value
    return scaled.numerator


def rounded_units(value: Fraction) -> int:
    """Money in ten-thousandths, rounded half away from zero."""
    return int(cents(value * 100) * 100)


def figures(company: Company, policy: Policy) -> Figures:
    """The oracle's figures under one policy."""
    replayed = replay(company, policy)
    result = Figures()
    for move in replayed.movements:
        is_split = move.kind in ("expansion", "contraction")
        effects = (move.quantity, move.price, move.plan, move.discount)
        result.facts[MOVEMENTS].append(
            (
                move.unit_id,
                move.day,
                move.kind,
                units(move.before),
                units(move.after),
                units(move.change),
                *(units(effect) if is_split else None for effect in effects),
                None if move.native is None else rounded_units(move.native),
                move.churn_type,
                move.reason,
                move.feedback,
            )
        )
    # At the grain `subscription` the mart sums the subscriptions of a billing customer.
    months: dict[tuple[str, date], list[int]] = {}
    for row in replayed.unit_months:
        money = (row.opening, *(row.sums[kind] for kind in KINDS), row.closing)
        sums = months.setdefault((row.customer_id, row.month), [0] * len(money))
        for position, amount in enumerate(money):
            sums[position] += units(amount)
    result.facts[MONTHS] = [(*key, *sums) for key, sums in months.items()]
    for total in replayed.month_totals:
        result.months[total.month,] = (
            units(total.opening),
            *(units(total.sums[kind]) for kind in KINDS),
            units(total.closing),
            total.opening_customers,
            total.new_customers,
            total.reactivated_customers,
            total.churned_customers,
            total.closing_customers,
        )
    for one in replayed.cohorts:
        result.cohorts[one.cohort, one.age] = (
            one.customers_initial,
            one.customers_active,
            units(one.mrr_initial),
            units(one.mrr_active),
            units(one.gross_mrr_active),
            one.customers_never_lost,
        )
    for key, part in replayed.periods.items():
        cells = (getattr(part, one.name) for one in dataclass_fields(PeriodSums))
        result.periods[key] = tuple(
            cell if isinstance(cell, int) else units(cell) for cell in cells
        )
    return result.sort()


def published_curve(cohorts: Sums, as_of: date) -> dict[tuple[int], tuple[int | None, ...]]:
    """`fct_retention_curve` out of all cohorts (retention_rules §5); rates in millionths.

    Args:
        cohorts: sums by cohort and age, over all units.
        as_of: only months that were over by then count.
    """
    old_enough = [
        {(age,): cells}
        for (cohort, age), cells in cohorts.items()
        if month_end(add_months(cohort, age)) <= as_of
    ]
    found: dict[tuple[int], tuple[int | None, ...]] = {}
    for (age,), cells in added(old_enough).items():
        initial, active, mrr_initial, mrr_active, gross, never_lost = cells
        found[age,] = (
            *cells,
            _millionths(active, initial),
            _millionths(never_lost, initial),
            _millionths(mrr_active, mrr_initial),
            _millionths(gross, mrr_initial),
        )
    return found


def _millionths(part: int, whole: int) -> int | None:
    """A rate, rounded half up; null on a zero denominator."""
    return int(cents(Fraction(part * 10**4, whole)) * 100) if whole else None


def published_period(sums: tuple[int, ...], policy: Policy) -> tuple[int | None, ...]:
    """A row of `fct_retention_by_period` out of sums over all units; rates in millionths.

    Args:
        sums: cells of `PeriodSums`, in its order.
        policy: whose switches choose (retention_rules §2, §3).
    """
    names = [one.name for one in dataclass_fields(PeriodSums)]
    of = dict(zip(names, sums, strict=True))
    lost = of["customers_lost_of_start"]
    if not policy.churn_rate_excludes_new:
        lost += of["customers_won_and_lost"]
    base = of["customers_start"]
    if policy.churn_rate_base == "start_plus_new":
        base += of["customers_won"] + of["customers_won_and_lost"]
    gross = of["gross_retained"]
    if policy.grr_cap == "aggregate":
        gross = min(of["end_of_base"], of["retention_base"])
    gone = -of["churn"] - of["contraction"]
    back = of["expansion"] + (of["reactivation"] if policy.reactivation_in_nrr else 0)
    rates = (
        (of["customers_end"] - of["customers_won"], of["customers_start"]),
        (lost, base),
        (gross, of["retention_base"]),
        (of["retained"], of["retention_base"]),
        (gone, of["mrr_start"]),
        (gone - back, of["mrr_start"]),
    )
    kept = [value for name, value in of.items() if name not in ("end_of_base", "gross_retained")]
    return (
        *kept, lost, base, gross,
        *(_millionths(part, whole) for part, whole in rates),
    )  # fmt: skip


def added(sums: Iterable[Sums]) -> Sums:
    """The sums of all tenants together."""
    total: dict[tuple[Any, ...], list[int]] = {}
    for one in sums:
        for key, values in one.items():
            so_far = total.setdefault(key, [0] * len(values))
            for position, value in enumerate(values):
                so_far[position] += value
    return {key: tuple(values) for key, values in total.items()}


Answer = dict[str, Figures]
"""Figures by policy id."""


class Oracle:
    """Expects the figures of tenants of one world."""

    def __init__(self, world: World, policies: Sequence[Policy]) -> None:
        self.policies = tuple(policies)
        self.settings = Settings(world.as_of, world.zone, world.currency)
        self._rates = Rates(world.fx_rows(), self.settings)

    def answer(self, tenant: Tenant) -> Answer:
        """The figures of a tenant."""
        company = Company(tenant.rows, self.settings, self._rates)
        return {one.policy_id: figures(company, one) for one in self.policies}

    def ladder(self, tenant: Tenant) -> dict[Fact, int]:
        """The ladders from the first policy to each other one, in ten-thousandths."""
        company = Company(tenant.rows, self.settings, self._rates)
        found = ladder(company, self.policies[0], self.policies[1:])
        return {key: units(change) for key, change in found.items()}

    def many(self, tenants: Sequence[Tenant]) -> list[Answer]:
        """The figures of each tenant, in order."""
        return [self.answer(tenant) for tenant in tenants]


class Expectation:
    """Figures of many tenants, computed beside the warehouse's in a few processes."""

    def __init__(self, oracle: Oracle, tenants: Sequence[Tenant]) -> None:
        workers = min(4, os.cpu_count() or 1)
        # Spawned, not forked: the parent runs dbt and DuckDB threads at the same time.
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        size = max(1, min(250, len(tenants) // workers + 1))
        chunks = [tenants[start : start + size] for start in range(0, len(tenants), size)]
        self._futures: list[Future[list[Answer]]] = [
            self._pool.submit(oracle.many, chunk) for chunk in chunks
        ]

    def result(self) -> list[Answer]:
        """Wait for all of them."""
        found = [answer for future in self._futures for answer in future.result()]
        self._pool.shutdown()
        return found
