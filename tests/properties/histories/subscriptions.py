"""Subscriptions and their items over their versions."""

from __future__ import annotations

from datetime import timedelta

from tests.properties.histories.draft import Draft
from tests.properties.histories.events import events_of
from tests.properties.histories.invoices import add_invoices
from tests.properties.histories.prices import quantity_of
from tests.properties.histories.world import Row


def add_subscription(draft: Draft, number: int, customer_id: str) -> None:
    """A subscription over its versions, with its items and invoices."""
    chance = draft.chance
    start = draft.moment(draft.moments[0])
    created = start
    if draft.has("back_dated", 0.5):
        created = chance.choice((draft.moment(), start - timedelta(days=2)))
    row: Row = {
        "id": f"s{number}",
        "customer_id": customer_id,
        "status": "active",
        "start_date": start,
        "created": created,
    }
    if draft.has("trial", 0.7):
        row.update(
            status=chance.choice(("trialing", "trialing", "active")),
            trial_start=chance.choice((start, None)),
            trial_end=chance.choice((draft.moment(start), start + timedelta(days=14), None)),
        )
    if draft.has("incomplete", 0.6):
        row["status"] = chance.choice(("incomplete", "incomplete", "incomplete_expired"))
    at = created if chance.random() < 0.8 else draft.moment()
    versions = [{**row, "updated_at": at}]
    events = events_of(draft)
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 5))):
        at = draft.step(at)
        if row["status"] in ("trialing", "incomplete") and chance.random() < 0.6:
            row["status"] = "active"
        else:
            chance.choice(events)(draft, row, at)
        versions.append({**row, "updated_at": at})
    if draft.has("only_current_row", 0.8):
        versions = versions[-1:]
    if draft.has("missing_updated_at", 0.3):
        versions[0]["updated_at"] = None
    for version in versions:
        draft.add("billing.subscriptions", **version)
    count = chance.choice((1, 2, 2, 3)) if "several_items" in draft.features else 1
    for item in range(1, count + 1):
        _item(draft, f"i{number}{item}", versions[-1])
    if "lines" in draft.features:
        add_invoices(draft, versions[-1])


def _item(draft: Draft, identity: str, subscription: Row) -> None:
    chance = draft.chance
    price = chance.choice(draft.prices)
    created = subscription["created"]
    if draft.has("item_added_or_removed", 0.5):
        created = draft.moment()
    row: Row = {
        "id": identity,
        "subscription_id": subscription["id"],
        "price_id": price["id"],
        "quantity": quantity_of(draft, price),
        "deleted": chance.choice((None, False)),
        "created": created,
    }
    at = created if chance.random() < 0.7 else draft.moment()
    versions = [{**row, "updated_at": at}]
    changes = [name for name in ("seat_change", "price_swap", "item_added_or_removed")
               if name in draft.features]  # fmt: skip
    for _ in range(chance.choice((0, 1, 2, 3)) if changes else 0):
        at = draft.step(at)
        change = chance.choice(changes)
        if change == "seat_change":
            row["quantity"] = quantity_of(draft, price)
        elif change == "price_swap":
            price = chance.choice(draft.prices)
            row["price_id"] = price["id"]
            if chance.random() < 0.5:
                row["quantity"] = quantity_of(draft, price)
        else:
            row["deleted"] = not row["deleted"]
        versions.append({**row, "updated_at": at})
    if draft.has("only_current_row", 0.8):
        versions = versions[-1:]
    for version in versions:
        draft.add("billing.subscription_items", **version)
