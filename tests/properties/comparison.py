"""Compares the warehouse with the oracle tenant by tenant, and shrinks what differs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from tests.oracle.policy import Policy
from tests.properties.expected import (
    Answer,
    Expectation,
    Figures,
    Oracle,
    added,
    published_curve,
    published_period,
)
from tests.properties.histories import Tenant, World
from tests.properties.warehouse import Built, Warehouse

REQUIRED = {
    "id", "customer_id", "subscription_id", "price_id", "product_id", "currency", "status",
    "start_date", "created", "duration", "start_at", "invoice_id", "payment_id", "amount",
    "total", "tiers", "updated_at", "unit_amount", "interval",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A tenant whose marts are not what the oracle expects."""

    tenant: Tenant
    expected: Answer
    got: dict[str, Figures]

    def policies(self) -> list[str]:
        """The policies under which they differ."""
        return [
            policy_id
            for policy_id, figures in self.got.items()
            if figures.facts != self.expected[policy_id].facts
        ]

    def text(self, policies: Sequence[Policy]) -> str:
        """The whole story: seed, features, rows, expected and got."""
        lines = [
            f"seed {self.tenant.seed}, features {sorted(self.tenant.features)}",
            self.tenant.as_json(),
        ]
        for policy in policies:
            if policy.policy_id not in self.policies():
                continue
            lines.append(f"policy {policy}")
            expected, got = self.expected[policy.policy_id], self.got[policy.policy_id]
            for mart, wanted in expected.facts.items():
                found = got.facts[mart]
                if wanted != found:
                    lines.append(f"  {mart}")
                    lines += [f"    only expected: {_plain(r)}" for r in wanted if r not in found]
                    lines += [f"    only got:      {_plain(r)}" for r in found if r not in wanted]
        return "\n".join(lines)


def _plain(row: tuple[object, ...]) -> str:
    return ", ".join("-" if cell is None else str(cell) for cell in row)


@dataclass(frozen=True)
class Compared:
    """What a run came to: the tenants that differ, and sums over all tenants that differ."""

    tenants: list[Difference]
    sums: list[str]


def compared(
    warehouse: Warehouse,
    world: World,
    policies: Sequence[Policy],
    tenants: Sequence[Tenant],
    shipped: Set[str] = frozenset({"board_strict"}),
) -> Compared:
    """One dbt run on all tenants against the oracle."""
    oracle = Oracle(world, policies)
    beside = Expectation(oracle, tenants) if len(tenants) > 100 else None
    built = warehouse.build(tenants, world, policies, shipped)
    expected = beside.result() if beside else oracle.many(tenants)
    wrong = [
        Difference(tenant, answer, got)
        for tenant, answer, got in zip(tenants, expected, built.figures, strict=True)
        if any(got[policy_id].facts != figures.facts for policy_id, figures in answer.items())
    ]
    return Compared(wrong, unequal_sums(world, policies, expected, built))


def unequal_sums(
    world: World, policies: Sequence[Policy], expected: Sequence[Answer], built: Built
) -> list[str]:
    """Where the marts that sum over all customers are not what the oracle's answers add up to."""
    sums: list[str] = []
    for policy in policies:
        answers = [answer[policy.policy_id] for answer in expected]
        months = added(answer.months for answer in answers)
        sums += _unequal(policy, "month", months, built.months.get(policy.policy_id, {}))
        by_period = {
            key: published_period(cells, policy)
            for key, cells in added(answer.periods for answer in answers).items()
        }
        got_by_period = built.periods.get(policy.policy_id, {})
        sums += _unequal(policy, "period", by_period, got_by_period)
        # At the grain `subscription` a cohort has no customers to count.
        if policy.grain != "subscription":
            cohorts = added(answer.cohorts for answer in answers)
            sums += _unequal(policy, "cohort", cohorts, built.cohorts.get(policy.policy_id, {}))
            curve = published_curve(cohorts, world.as_of)
            sums += _unequal(policy, "curve", curve, built.curve.get(policy.policy_id, {}))
    return sums


def _unequal(
    policy: Policy, what: str, expected: Mapping[Key, Cells], got: Mapping[Key, Cells]
) -> list[str]:
    """The keys with other sums; a row of nothing but zeros may be there or not."""
    return [
        f"{policy.policy_id} {what} {_plain(key)}: expected {expected.get(key)}, got {got.get(key)}"
        for key in sorted({*expected, *got})
        if expected.get(key) != got.get(key) and any((*expected.get(key, ()), *got.get(key, ())))
    ]


Key = tuple[Any, ...]
Cells = tuple[int | None, ...]

Removal = tuple[str, frozenset[int]]
"""A table and the positions of rows that go together."""


def _removals(tenant: Tenant) -> list[Removal]:
    """What can go by itself: all rows of a key, or one row of several."""
    found: list[Removal] = []
    for table, rows in tenant.rows.items():
        keys = [str(row["id"]) for row in rows]
        for key in sorted(set(keys)):
            found.append((table, frozenset(i for i, one in enumerate(keys) if one == key)))
        if len(set(keys)) < len(keys):
            found += [(table, frozenset((i,))) for i in range(len(keys))]
    return found


def _without(tenant: Tenant, removals: Sequence[Removal]) -> Tenant:
    rows = {
        table: [
            row
            for position, row in enumerate(before)
            if not any(name == table and position in gone for name, gone in removals)
        ]
        for table, before in tenant.rows.items()
    }
    return replace(tenant, rows=rows)


def _smaller(tenant: Tenant, chance: random.Random) -> Iterator[Tenant]:
    """Tenants with less: without one key or row, without many by chance, without a cell."""
    removals = _removals(tenant)
    for removal in removals:
        yield _without(tenant, [removal])
    for share in (0.85, 0.7, 0.5, 0.3, 0.15):
        for _ in range(60 if len(removals) > 4 else 0):
            yield _without(tenant, [one for one in removals if chance.random() < share])
    for table, rows in tenant.rows.items():
        for column in sorted({name for row in rows for name in row} - REQUIRED):
            if any(row.get(column) is not None for row in rows):
                yield _with(tenant, table, [{**row, column: None} for row in rows])


def _with(tenant: Tenant, table: str, rows: list[dict[str, object]]) -> Tenant:
    return replace(tenant, rows={**tenant.rows, table: rows})


def shrunk(
    warehouse: Warehouse,
    world: World,
    policies: Sequence[Policy],
    found: Difference,
    shipped: Set[str] = frozenset({"board_strict"}),
    is_alike: Callable[[Difference], bool] = lambda difference: True,
) -> Difference:
    """A smaller history that still differs: one dbt run tries all ways to make it smaller.

    Args:
        warehouse: builds the marts.
        world: what the histories share.
        policies: those that were compared; the first one that differs is kept.
        found: the difference to start from.
        shipped: ids of policies that the project's seed has.
        is_alike: whether a smaller difference is still of the kind that is looked for.
    """
    named = found.policies()
    policies = [one for one in policies if one.policy_id in named][:1] or list(policies)
    best = found
    chance = random.Random(0)
    for _ in range(10):
        smaller = list(_smaller(best.tenant, chance))
        wrong = compared(warehouse, world, policies, smaller, shipped).tenants
        wrong = [one for one in wrong if is_alike(one)]
        if not wrong:
            break
        best = min(wrong, key=lambda one: _weight(one.tenant))
    return best


def _weight(tenant: Tenant) -> tuple[int, int]:
    cells = sum(
        1 for rows in tenant.rows.values() for row in rows for cell in row.values()
        if cell is not None
    )  # fmt: skip
    return tenant.size(), cells
