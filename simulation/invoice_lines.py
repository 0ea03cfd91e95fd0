"""The lines of invoices: periods in advance, changes within a period, usage, set-up, discounts."""

from __future__ import annotations

import numpy as np

from simulation.catalogue import ANNUAL, MONTHLY, ONBOARDING, price_interval, price_number
from simulation.columns import NULL, Columns, concatenate, intersect, take
from simulation.config import Ints, generator
from simulation.dates import DAY
from simulation.timeline import Timeline, period_amounts_on
from simulation.truth import Truth
from simulation.world import World

STATUSES = ("draft", "open", "paid", "void", "uncollectible")
DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = range(5)
# To make one sorted key of a subscription's number and an instant.
WIDE = np.int64(2**36)


def _line(invoice: Ints, invoices: Columns, **fields: Ints | int) -> Columns:
    count = len(invoice)
    defaults: dict[str, Ints | int] = {
        "item": -1,
        "kind": 0,
        "quantity": 1,
        "proration": 0,
        "period_start": invoices["period_start"][invoice],
        "period_end": invoices["period_end"][invoice],
    }
    row: Columns = {
        "invoice": invoice,
        "subscription": invoices["subscription"][invoice],
    }
    for name in (
        "item",
        "kind",
        "price",
        "quantity",
        "proration",
        "amount",
        "period_start",
        "period_end",
    ):
        value = fields.get(name, defaults.get(name, 0))
        row[name] = np.broadcast_to(np.asarray(value, np.int64), (count,)).copy()
    return row


def period_lines(world: World, timeline: Timeline, invoices: Columns) -> Columns:
    """A line per licensed item that is there on the period's first day; trials cost nothing."""
    items = take(timeline.items, timeline.items["quantity"] != NULL)
    rows = np.flatnonzero(invoices["is_period"] == 1).astype(np.int64)
    day = invoices["period_start"][rows] // DAY
    # Items of one subscription overlap each other, so the instants are the side that must not.
    left, right, _, _ = intersect(
        items["subscription"],
        items["start"],
        items["end"],
        invoices["subscription"][rows] * 1,
        day,
        day + 1,
    )
    invoice = rows[right]
    quantity = np.maximum(items["quantity"][left], 0)
    amount = period_amounts_on(world, items["price"][left], quantity, day[right])
    return _line(
        invoice,
        invoices,
        item=items["item"][left],
        price=items["price"][left],
        quantity=quantity,
        amount=np.where(invoices["is_trial"][invoice] == 1, 0, amount),
    )


def item_changes(world: World, timeline: Timeline, invoices: Columns) -> Columns:
    """Changes of items inside a paid period: what they add for its rest, and where it is invoiced.

    Seats are prorated both ways in short periods; otherwise only what costs more is, and nobody
    gets money back for leaving a plan early.
    """
    items = take(timeline.items, timeline.items["quantity"] != NULL)
    count = len(items["item"])
    follows = np.zeros(count, dtype=bool)
    follows[1:] = (items["item"][1:] == items["item"][:-1]) & (
        items["start"][1:] == items["end"][:-1]
    )
    created = world.items.columns()["created"][items["item"]]
    arrives = ~follows & (
        created // DAY > world.subscriptions["created"][items["subscription"]] // DAY
    )
    row = np.flatnonzero(follows | arrives).astype(np.int64)
    old = np.where(follows[row], row - 1, -1)
    subscription, at = items["subscription"][row], items["at"][row]
    key = invoices["subscription"] * WIDE + invoices["period_start"]
    position = np.searchsorted(key, subscription * WIDE + at, side="left") - 1
    same = (position >= 0) & (invoices["subscription"][position] == subscription)
    inside = (
        same
        & (invoices["period_end"][position] > at)
        & (invoices["is_trial"][position] == 0)
        & np.isin(invoices["status"][position], (OPEN, PAID))
    )
    following = np.minimum(position + 1, len(key) - 1)
    has_next = (
        inside & (position + 1 < len(key)) & (invoices["subscription"][following] == subscription)
    )
    day = at // DAY
    new_amount = period_amounts_on(world, items["price"][row], items["quantity"][row], day)
    old_price = np.where(old >= 0, items["price"][old], items["price"][row])
    old_quantity = np.where(old >= 0, items["quantity"][old], 0)
    old_amount = period_amounts_on(world, old_price, old_quantity, day)
    swapped = price_interval(old_price) != price_interval(items["price"][row])
    annual = price_interval(old_price) == ANNUAL
    seats_only = (old >= 0) & (old_price == items["price"][row])
    more = new_amount > old_amount
    kept = inside & np.where(
        swapped, ~annual & has_next, np.where(annual, more, (more | seats_only) & has_next)
    )
    columns: Columns = {
        "item": items["item"][row],
        "at": at,
        "invoice": following,
        "inside": position,
        "own_invoice": (annual & ~swapped).astype(np.int64),
        "swapped": swapped.astype(np.int64),
        "old_price": old_price,
        "old_quantity": old_quantity,
        "old_amount": np.where(old >= 0, old_amount, 0),
        "new_price": items["price"][row],
        "new_quantity": items["quantity"][row],
        "new_amount": new_amount,
        "period_start": invoices["period_start"][position],
        "period_end": invoices["period_end"][position],
    }
    return take(columns, kept)


def add_own_invoices(
    world: World, invoices: Columns, changes: Columns, own: Ints
) -> tuple[Columns, Columns]:
    """What changes in an annual period is invoiced at once."""
    inside = changes["inside"][own]
    at = changes["at"][own]
    paid_at = at + 900
    start = len(invoices["created"])
    added = take(invoices, inside) | {
        "created": at,
        "due_at": np.full(len(own), NULL),
        "period_start": at,
        "period_end": changes["period_end"][own],
        "status": np.full(len(own), PAID),
        "paid_at": paid_at,
        "failed": np.zeros(len(own), np.int64),
        "attempts": np.ones(len(own), np.int64),
        "gave_up_at": np.full(len(own), NULL),
        "is_period": np.zeros(len(own), np.int64),
    }
    late = paid_at // DAY > world.config.as_of_day
    added["status"] = np.where(late, OPEN, PAID)
    added["paid_at"] = np.where(late, NULL, paid_at)
    invoice = changes["invoice"].copy()
    invoice[own] = start + np.arange(len(own))
    return concatenate([invoices, added]), changes | {"invoice": invoice}


def proration_lines(invoices: Columns, changes: Columns) -> Columns:
    """What is given back and charged for the rest of the period in which something changed."""
    length = changes["period_end"] - changes["period_start"]
    left = changes["period_end"] - changes["at"]

    def share(amount: Ints) -> Ints:
        result: Ints = (2 * amount * left + length) // (2 * length)
        return result

    credit = changes["old_amount"] > 0
    charge = changes["swapped"] == 0
    return concatenate(
        [
            _line(
                changes["invoice"][credit],
                invoices,
                item=changes["item"][credit],
                price=changes["old_price"][credit],
                quantity=changes["old_quantity"][credit],
                proration=1,
                amount=-share(changes["old_amount"])[credit],
                period_start=changes["at"][credit],
                period_end=changes["period_end"][credit],
            ),
            _line(
                changes["invoice"][charge],
                invoices,
                item=changes["item"][charge],
                price=changes["new_price"][charge],
                quantity=changes["new_quantity"][charge],
                proration=1,
                amount=share(changes["new_amount"])[charge],
                period_start=changes["at"][charge],
                period_end=changes["period_end"][charge],
            ),
        ]
    )


def usage_lines(world: World, timeline: Timeline, invoices: Columns) -> Columns:
    """Metered usage of the period before, in arrears."""
    rng = generator(world.config.seed, "usage")
    metered = take(timeline.items, timeline.items["quantity"] == NULL)
    count = len(invoices["created"])
    before = np.arange(count, dtype=np.int64) - 1
    rows = np.flatnonzero(
        (invoices["is_period"] == 1)
        & (before >= 0)
        & (invoices["subscription"] == invoices["subscription"][before])
        & (invoices["is_trial"][before] == 0)
        & (invoices["is_period"][before] == 1)
    ).astype(np.int64)
    day = invoices["period_start"][rows] // DAY
    left, right, _, _ = intersect(
        metered["subscription"],
        metered["start"],
        metered["end"],
        invoices["subscription"][rows],
        day,
        day + 1,
    )
    invoice = rows[right]
    usage = rng.poisson(1_500, len(invoice)) * rng.integers(0, 4, len(invoice))
    price = metered["price"][left]
    return _line(
        invoice,
        invoices,
        item=metered["item"][left],
        price=price,
        quantity=usage,
        amount=period_amounts_on(world, price, usage, day[right]),
        period_start=invoices["period_start"][invoice - 1],
        period_end=invoices["period_start"][invoice],
    )


def setup_lines(world: World, invoices: Columns) -> Columns:
    """A one-time set-up fee on some customers' first paid period."""
    rng = generator(world.config.seed, "set-up fees")
    paid = np.flatnonzero((invoices["is_period"] == 1) & (invoices["is_trial"] == 0))
    _, first = np.unique(invoices["subscription"][paid], return_index=True)
    invoice = paid[first].astype(np.int64)
    customer = invoices["customer"][invoice]
    # Only with the customer's first subscription, which has the customer's number.
    chosen = (
        (invoices["subscription"][invoice] == customer)
        & (world.customers["segment"][customer] > 0)
        & (rng.random(len(invoice)) < 0.35)
    )
    invoice = invoice[chosen]
    price = price_number(ONBOARDING, MONTHLY, invoices["currency"][invoice])
    day = invoices["period_start"][invoice] // DAY
    one = np.ones(len(invoice), np.int64)
    return _line(
        invoice,
        invoices,
        kind=1,
        price=price,
        amount=period_amounts_on(world, price, one, day),
        period_start=np.full(len(invoice), NULL),
        period_end=np.full(len(invoice), NULL),
    )


def line_discounts(
    world: World, timeline: Timeline, truth: Truth, lines: Columns, invoices: Columns
) -> Ints:
    """The discount on each licensed line: the share of MRR that discounts take on its day."""
    priced, net = timeline.priced, truth.net
    discount = np.zeros(len(lines["amount"]), np.int64)
    day = np.where(
        lines["proration"] == 1,
        lines["period_start"] // DAY,
        invoices["period_start"][lines["invoice"]] // DAY,
    )
    candidates = np.flatnonzero((lines["item"] >= 0) & (lines["amount"] != 0)).astype(np.int64)
    item = priced["item"][net["row"]]
    line, entry, _, _ = intersect(
        lines["item"][candidates],
        day[candidates],
        day[candidates] + 1,
        item,
        net["start"],
        net["end"],
    )
    where = candidates[line]
    row = net["row"][entry]
    # What is left is numerator / denominator of amount / months.
    gross = priced["amount"][row].astype(np.object_)
    top = net["numerator"][entry] * priced["months"][row].astype(np.object_)
    bottom = net["denominator"][entry] * gross
    amount = lines["amount"][where].astype(np.object_)
    left = (2 * amount * top + bottom) // (2 * bottom)
    discount[where] = lines["amount"][where] - left.astype(np.int64)
    return discount
