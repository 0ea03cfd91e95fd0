"""Prices: monthly, annual, odd, tiered, metered, free, one-time, and repriced ones."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.properties.histories.draft import Draft
from tests.properties.histories.world import Row

INTERVALS = (("month", 3), ("week", 1), ("week", 2), ("day", 1), ("day", 30), ("month", 2),
             ("year", 2), ("month", None), ("month", 0))  # fmt: skip


def add_prices(draft: Draft) -> None:
    """The prices that the history's items may have."""
    kinds = ["monthly"]
    for feature, kind in (("annual", "annual"), ("odd_interval", "odd"), ("tiered", "tiered"),
                          ("metered", "metered")):  # fmt: skip
        if feature in draft.features:
            kinds.append(kind)
    if "free_or_one_time" in draft.features:
        kinds.append(draft.chance.choice(("free", "one_time")))
    if "price_swap" in draft.features or len(kinds) == 1:
        kinds.append("monthly")
    for number, kind in enumerate(kinds, start=1):
        _price(draft, number, kind)


def _price(draft: Draft, number: int, kind: str) -> None:
    chance = draft.chance
    currency = chance.choice(draft.currencies)
    interval: str = "month"
    count: int | None = 1
    if kind == "annual":
        interval = "year"
    elif kind == "odd":
        interval, count = chance.choice(INTERVALS)
    base = chance.choice((333, 500, 1000, 1999, 2500, 9900, 100001))
    base *= 10 if interval == "year" else 1
    row: Row = {
        "id": f"p{number}",
        "product_id": "prod",
        "currency": chance.choice((currency, currency.lower())),
        "unit_amount": 0 if kind == "free" else base,
        "billing_scheme": chance.choice(("per_unit", "per_unit", None)),
        "type": "one_time" if kind == "one_time" else "recurring",
        "interval": None if kind == "one_time" else interval,
        "interval_count": None if kind == "one_time" else count,
        "usage_type": "metered" if kind == "metered" else chance.choice(("licensed", None)),
        "created": draft.moments[0] - timedelta(days=40),
        "updated_at": draft.moments[0] - timedelta(days=40),
    }
    if kind == "tiered":
        tiers = [
            {"up_to": 2, "unit_amount": base, "flat_amount": chance.choice((None, 0, 700))},
            {"up_to": 4, "unit_amount": base // 2, "flat_amount": chance.choice((None, 500))},
            {"up_to": chance.choice((None, "inf", 6)), "unit_amount": base // 3},
        ]
        chance.shuffle(tiers)
        row.update(
            unit_amount=None,
            billing_scheme="tiered",
            tiers=json.dumps(tiers),
            tiers_mode=chance.choice(("graduated", "volume")),
        )
    draft.prices.append(row)
    draft.add("billing.prices", **row)
    if draft.has("repricing", 0.5) and row["unit_amount"]:
        draft.add(
            "billing.prices",
            **{
                **row,
                "unit_amount": row["unit_amount"] + chance.choice((-100, 150, 333)),
                "updated_at": draft.moment(),
            },
        )


def quantity_of(draft: Draft, price: Row) -> int | None:
    """A quantity of an item with that price; sometimes none, sometimes a wrong one."""
    if price["usage_type"] == "metered":
        return None
    return draft.chance.choice((1, 1, 1, 2, 3, 4, 5, 7, None, 0, -1))
