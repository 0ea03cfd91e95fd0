"""One tenant: customers and all that they have, put together and disturbed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st

from tests.properties.histories.discounts import add_discounts
from tests.properties.histories.draft import FEATURES, Draft
from tests.properties.histories.prices import add_prices
from tests.properties.histories.subscriptions import add_subscription
from tests.properties.histories.world import Row, Rows, World


@dataclass(frozen=True)
class Tenant:
    """One generated history: its rows by table, and what it was made from."""

    seed: int
    features: frozenset[str]
    rows: Rows = field(hash=False, compare=False)

    def size(self) -> int:
        """How many rows it has."""
        return sum(len(rows) for rows in self.rows.values())

    def as_json(self) -> str:
        """Compact JSON of the rows, without nulls."""
        return "\n".join(
            f"{table}: " + json.dumps({k: v for k, v in row.items() if v is not None}, default=str)
            for table, rows in sorted(self.rows.items())
            for row in rows
        )


def tenants(world: World) -> st.SearchStrategy[Tenant]:
    """Strategy of tenants of one world."""
    # Bits, not integers: of integers Hypothesis now and then draws a constant that it found in
    # whatever modules are loaded, so that the same seed gives other histories in another process.
    masks, seeds = (
        st.lists(st.booleans(), min_size=size, max_size=size).map(_from_bits)
        for size in (len(FEATURES), 48)
    )
    return st.builds(
        lambda one, two, three, seed: make_tenant(world, one & (two | three), seed),
        masks,
        masks,
        masks,
        seeds,
    )


def _from_bits(bits: Sequence[bool]) -> int:
    return sum(1 << position for position, bit in enumerate(bits) if bit)


def make_tenant(world: World, mask: int, seed: int) -> Tenant:
    """The tenant of a feature mask and a seed."""
    features = frozenset(name for bit, name in enumerate(FEATURES) if mask >> bit & 1)
    return Tenant(seed, features, _make(Draft(world, features, random.Random(seed))))


def _make(draft: Draft) -> Rows:
    chance = draft.chance
    add_prices(draft)
    count = chance.choice((1, 2, 3)) if "several_customers" in draft.features else 1
    number = 0
    for customer in range(1, count + 1):
        identity = f"c{customer}"
        _customer(draft, identity)
        many = "several_subscriptions" in draft.features
        for _ in range(chance.choice((1, 2, 2, 3)) if many else 1):
            number += 1
            add_subscription(draft, number, identity)
    if count > 1:
        _accounts(draft, count)
    add_discounts(draft)
    _disturb(draft)
    return draft.rows


def _customer(draft: Draft, identity: str) -> None:
    created = draft.moments[0] - timedelta(days=1)
    row: Row = {"id": identity, "name": identity, "currency": draft.currencies[0],
                "created": created, "updated_at": created}  # fmt: skip
    draft.add("billing.customers", **row)
    if draft.has("deleted_customer", 0.6):
        gone = draft.moment()
        draft.add("billing.customers", **{**row, "deleted": True, "updated_at": gone})
        if draft.chance.random() < 0.3:
            back = draft.step(gone)
            draft.add("billing.customers", **{**row, "deleted": False, "updated_at": back})


def _accounts(draft: Draft, count: int) -> None:
    """Accounts of some customers, some under a parent with or without a customer of its own."""
    has_parent = draft.chance.random() < 0.6
    if has_parent:
        draft.add("crm.accounts", id="a0", name="parent", updated_at=draft.moments[0])
    for customer in range(1, count + 1):
        if draft.chance.random() < 0.8:
            parents = [None, "a0"] if has_parent else [None]
            if customer > 1 and any(
                row["id"] == f"a{customer - 1}" for row in draft.rows.get("crm.accounts", [])
            ):
                parents.append(f"a{customer - 1}")
            draft.add(
                "crm.accounts",
                id=f"a{customer}",
                billing_customer_id=f"c{customer}",
                parent_account_id=draft.chance.choice(parents),
                updated_at=draft.moments[0],
            )


def _disturb(draft: Draft) -> None:
    """Exact duplicates, at most one tie of different contents, and another order."""
    chance = draft.chance
    tables = ("billing.subscriptions", "billing.subscription_items", "billing.discounts")
    if "tie" in draft.features:
        table = chance.choice([name for name in tables if draft.rows.get(name)])
        row = chance.choice(draft.rows[table])
        other = dict(row)
        if table == "billing.subscriptions":
            other["status"] = chance.choice(("active", "past_due", "unpaid"))
        elif table == "billing.subscription_items":
            other["quantity"] = 9
        else:
            other["end_at"] = draft.moment(row["start_at"])
        draft.rows[table].append(other)
    if "duplicates" in draft.features:
        for rows in draft.rows.values():
            for row in list(rows):
                if chance.random() < 0.3:
                    rows.append(dict(row))
    for rows in draft.rows.values():
        chance.shuffle(rows)
