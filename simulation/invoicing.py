"""Invoices and their lines: periods in advance, prorations, usage in arrears, set-up fees, tax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.catalogue import ANNUAL
from simulation.columns import NULL, Columns, concatenate, take
from simulation.config import Bools, Ints, generator
from simulation.dates import DAY
from simulation.invoice_lines import (
    DRAFT,
    OPEN,
    PAID,
    UNCOLLECTIBLE,
    VOID,
    WIDE,
    add_own_invoices,
    item_changes,
    line_discounts,
    period_lines,
    proration_lines,
    setup_lines,
    usage_lines,
)
from simulation.timeline import Timeline
from simulation.truth import Truth
from simulation.world import CANCELED, PAUSED, UNPAID, World

# Days after the invoice on which the card is tried (again).
ATTEMPT_DAYS = np.array([0, 3, 8, 15, 21], np.int64)
# Percent of tax by country, in the order of arrivals.COUNTRIES.
_TAX = np.array([0, 19, 20, 20, 10, 0], np.int64)


@dataclass(frozen=True)
class Invoicing:
    """All invoices by the last day.

    Attributes:
        invoices: subscription, customer, currency, created, due_at, period_start, period_end,
            status, paid_at (NULL: not), attempts, failed (attempts that failed by the last day),
            gave_up_at (NULL: not), subtotal, discount, tax, total.
        lines: invoice, subscription, item (-1: none), price, kind (0 subscription, 1 invoice item),
            amount, discount, tax, quantity, proration, period_start, period_end.
    """

    invoices: Columns
    lines: Columns


def make_invoices(world: World, timeline: Timeline, truth: Truth, periods: Columns) -> Invoicing:
    """Invoice every billing period, with what changed in the one before."""
    periods = _invoiced(timeline, periods)
    invoices = _settle(world, timeline, periods)
    changes = item_changes(world, timeline, invoices)
    own = np.flatnonzero(changes["own_invoice"] == 1).astype(np.int64)
    invoices, changes = add_own_invoices(world, invoices, changes, own)
    lines = concatenate(
        [
            period_lines(world, timeline, invoices),
            proration_lines(invoices, changes),
            usage_lines(world, timeline, invoices),
            setup_lines(world, invoices),
        ]
    )
    order = np.lexsort((lines["item"], lines["proration"], lines["kind"], lines["invoice"]))
    lines = take(lines, order)
    lines["discount"] = line_discounts(world, timeline, truth, lines, invoices)
    customer = invoices["customer"][lines["invoice"]]
    percent = _TAX[world.customers["country"][customer]]
    taxed = lines["amount"] - lines["discount"]
    lines["tax"] = (2 * taxed * percent + 100) // 200
    for name in ("amount", "discount", "tax"):
        total = np.zeros(len(invoices["created"]), np.int64)
        np.add.at(total, lines["invoice"], lines[name])
        invoices["subtotal" if name == "amount" else name] = total
    invoices["total"] = invoices["subtotal"] - invoices["discount"] + invoices["tax"]
    # Nothing to pay is paid at once.
    free = (invoices["total"] <= 0) & np.isin(invoices["status"], (OPEN, PAID, UNCOLLECTIBLE))
    invoices["status"] = np.where(free, PAID, invoices["status"])
    invoices["paid_at"] = np.where(free, invoices["created"], invoices["paid_at"])
    for name in ("failed", "attempts"):
        invoices[name] = np.where(free, 0, invoices[name])
    invoices["gave_up_at"] = np.where(free, NULL, invoices["gave_up_at"])
    return Invoicing(invoices, lines)


def _state_on(timeline: Timeline, subscription: Ints, on_day: Ints) -> Ints:
    states = timeline.states
    key = states["subscription"] * WIDE + states["start"]
    position = np.searchsorted(key, subscription * WIDE + on_day, side="right") - 1
    found = (position >= 0) & (states["subscription"][position] == subscription)
    return np.where(found, states["state"][position], CANCELED)


def _invoiced(timeline: Timeline, periods: Columns) -> Columns:
    """Periods in order; none begins while the subscription was cancelled by mistake."""
    periods = take(periods, np.lexsort((periods["start"], periods["subscription"])))
    state = _state_on(timeline, periods["subscription"], periods["start"] // DAY)
    first = np.ones(len(state), dtype=bool)
    first[1:] = periods["subscription"][1:] != periods["subscription"][:-1]
    return take(periods, first | (state != CANCELED))


def _settle(world: World, timeline: Timeline, periods: Columns) -> Columns:
    """Status of each period's invoice by the last day, and how its payment went."""
    rng = generator(world.config.seed, "invoices")
    last = world.config.as_of_day
    table = world.subscriptions
    subscription = periods["subscription"]
    count = len(subscription)
    created = np.maximum(periods["start"], table["created"][subscription])
    day = periods["start"] // DAY
    state = _state_on(timeline, subscription, day)
    customer = table["customer"][subscription]
    # The large ones pay an invoice within some weeks, the others by card within the hour.
    by_transfer = (world.customers["segment"][customer] == 2) & (
        table["interval"][subscription] == ANNUAL
    )
    wait = np.where(by_transfer, rng.integers(2, 28, count) * DAY, rng.integers(30, 3_600, count))
    paid_at = created + wait
    attempts = np.ones(count, np.int64)
    failures = world.failures.columns()
    failed_position = np.full(count, -1, np.int64)
    key = failures["subscription"] * WIDE + failures["day"]
    order = np.argsort(key, kind="stable")
    wanted = subscription * WIDE + day
    position = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    if len(key):
        hit = (key[order][position] == wanted) & (periods["is_trial"] == 0)
        failed_position[hit] = order[position[hit]]
    failed = failed_position >= 0
    of = failed_position[failed]
    recovered = failures["recovered_at"][of]
    paid_at[failed] = np.where(recovered > 0, recovered, NULL)
    attempts[failed] = failures["attempts"][of]
    # What fails is every attempt but the one that recovered it.
    failures_planned = np.zeros(count, np.int64)
    failures_planned[failed] = failures["attempts"][of] - (recovered > 0)
    never = (state == PAUSED) | (state == UNPAID)
    paid_at = np.where(never, NULL, paid_at)
    failures_planned[never] = 0
    paid_at = np.where((paid_at != NULL) & (paid_at // DAY <= last), paid_at, NULL)
    gave_up = created + 21 * DAY + 180
    is_lost = failed & (paid_at == NULL) & (gave_up // DAY <= last) & ~never
    status = np.where(paid_at != NULL, PAID, np.where(is_lost, UNCOLLECTIBLE, OPEN))
    status = np.where(state == PAUSED, VOID, np.where(state == UNPAID, DRAFT, status))
    happened = ((created[:, None] + ATTEMPT_DAYS[None, :] * DAY) // DAY <= last) & (
        np.arange(len(ATTEMPT_DAYS))[None, :] < failures_planned[:, None]
    )
    return {
        "subscription": subscription,
        "customer": customer,
        "currency": table["currency"][subscription],
        "created": created,
        "due_at": np.where(by_transfer, created + 30 * DAY, NULL),
        "period_start": periods["start"],
        "period_end": periods["end"],
        "is_trial": periods["is_trial"],
        "status": status,
        "paid_at": paid_at,
        "failed": happened.sum(axis=1).astype(np.int64),
        "attempts": np.where(never, 0, happened.sum(axis=1) + (paid_at != NULL)),
        "gave_up_at": np.where(is_lost, gave_up, NULL),
        "is_period": np.ones(count, np.int64),
    }


def is_collected(invoices: Columns) -> Bools:
    """Invoices that money came in for."""
    result: Bools = (invoices["status"] == PAID) & (invoices["total"] > 0)
    return result
