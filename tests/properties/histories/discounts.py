"""Discounts of customers and subscriptions, and their corrections."""

from __future__ import annotations

from decimal import Decimal

from tests.properties.histories.draft import Draft
from tests.properties.histories.world import Row

PERCENTS = ("10", "20", "25", "50", "100", "33.333333", "12.5", "150", "-5", "0")


def add_discounts(draft: Draft) -> None:
    """Discounts of any of the customers and subscriptions that are there."""
    count = 0
    if "discount" in draft.features:
        count += 1
    if "discount_stack" in draft.features:
        count += draft.chance.randint(1, 3)
    customers = sorted({row["id"] for row in draft.rows["billing.customers"]})
    subscriptions = sorted({row["id"] for row in draft.rows["billing.subscriptions"]})
    for number in range(1, count + 1):
        _discount(draft, number, customers, subscriptions)


def _discount(draft: Draft, number: int, customers: list[str], subscriptions: list[str]) -> None:
    chance = draft.chance
    start = draft.moment()
    row: Row = {
        "id": f"d{number}",
        "duration": chance.choice(("once", "repeating", "forever")),
        "start_at": start,
        "end_at": draft.moment(start) if chance.random() < 0.3 else None,
        "updated_at": chance.choice((start, start, draft.moment(), None)),
    }
    if chance.random() < 0.5:
        row["customer_id"] = chance.choice(customers)
    else:
        row["subscription_id"] = chance.choice(subscriptions)
    if row["duration"] == "repeating":
        row["duration_in_months"] = chance.choice((1, 2, 3, 12))
    if chance.random() < 0.6:
        row["percent_off"] = Decimal(chance.choice(PERCENTS))
    else:
        row["amount_off"] = chance.choice((100, 250, 999, 2000, 500000))
        row["currency"] = chance.choice(draft.currencies)
        if len(draft.currencies) == 1 and chance.random() < 0.3:
            row["currency"] = None
    draft.add("billing.discounts", **row)
    if chance.random() < 0.2 and row["updated_at"] is not None:
        later = {**row, "updated_at": draft.step(row["updated_at"])}
        if "percent_off" in row:
            later["percent_off"] = Decimal(chance.choice(PERCENTS))
        else:
            later["amount_off"] = chance.choice((100, 700))
        draft.add("billing.discounts", **later)
