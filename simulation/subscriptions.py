"""Billing's raw tables of subscriptions, items and discounts, and the periods that are billed."""

from __future__ import annotations

import numpy as np

from simulation.billing import currency_column, price_ids
from simulation.columns import KEEP, NULL, Columns, expand, fill_forward, take
from simulation.config import Ints
from simulation.dates import DAY, FOREVER, add_months, month_of
from simulation.tables import Column, RawTable, code, decimal, flag, ids, instant, whole
from simulation.timeline import lives
from simulation.world import DURATIONS, FEEDBACK, REASONS, REPEATING, STATUSES, World


def known_subscriptions(world: World) -> Ints:
    """Numbers of the subscriptions that exist by the last day."""
    created = world.subscriptions["created"] // DAY
    return np.flatnonzero(created <= world.config.as_of_day).astype(np.int64)


def billing_periods(world: World) -> Columns:
    """Billing periods that begin by the last day: subscription, start, end (instants), is_trial.

    No period begins after its stretch was closed, or while its customer is deleted.
    """
    last = world.config.as_of_day
    rows: Columns = dict(world.segments.columns())
    ends = world.segment_ends.columns()
    until = np.full(len(rows["anchor"]), FOREVER * DAY, np.int64)
    # A stretch may be closed twice (cancelled, then its customer deleted): the earlier one counts.
    np.minimum.at(until, ends["segment"], ends["until"])
    created = world.subscriptions["created"][rows["subscription"]] // DAY
    rows["until"] = until
    rows = take(rows, (created <= last) & (rows["anchor"] // DAY <= last))
    day = rows["anchor"] // DAY
    months = np.maximum(rows["months"], 1)
    stop = np.minimum(rows["until"] // DAY, last)
    counts = np.where(
        rows["is_trial"] == 1, 1, np.maximum((month_of(stop) - month_of(day)) // months + 1, 1)
    )
    owner, number = expand(counts)
    of = take(rows, owner)
    time = of["anchor"] % DAY
    start = add_months(of["anchor"] // DAY, number * of["months"]) * DAY + time
    end = add_months(of["anchor"] // DAY, (number + 1) * of["months"]) * DAY + time
    end = np.where(of["is_trial"] == 1, of["until"], end)
    periods: Columns = {
        "subscription": of["subscription"],
        "start": start,
        "end": end,
        "is_trial": of["is_trial"],
    }
    periods = take(periods, (start < of["until"]) & (start // DAY <= last))
    return take(periods, _lives_at(world, periods))


def _lives_at(world: World, periods: Columns) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    alive = lives(world)
    customer = world.subscriptions["customer"][periods["subscription"]]
    wide = np.int64(2**33)
    order = np.lexsort((alive["start"], alive["customer"]))
    key = alive["customer"][order] * wide + alive["start"][order]
    day = periods["start"] // DAY
    position = np.searchsorted(key, customer * wide + day, side="right") - 1
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = alive["end"][order][position] > day
    return result


def subscriptions_table(world: World, periods: Columns) -> RawTable:
    """A version at each change, renewals included."""
    log: Columns = dict(world.patches.columns())
    renewals = take(periods, periods["is_trial"] == 0)
    count = len(renewals["start"])
    created = world.subscriptions["created"]
    extra = {name: np.full(count, KEEP, np.int64) for name in log}
    extra["subscription"] = renewals["subscription"]
    # Of a backdated subscription nothing lands before it was created.
    extra["at"] = np.maximum(renewals["start"], created[renewals["subscription"]])
    extra["current_period_start"] = renewals["start"]
    extra["current_period_end"] = renewals["end"]
    log = {name: np.concatenate([log[name], extra[name]]) for name in log}
    log = take(log, log["at"] // DAY <= world.config.as_of_day)
    order = np.lexsort((log["at"], log["subscription"]))
    log = take(log, order)
    subscription, at = log["subscription"], log["at"]
    first = np.ones(len(at), dtype=bool)
    first[1:] = subscription[1:] != subscription[:-1]
    fields = {
        name: fill_forward(values, first)
        for name, values in log.items()
        if name not in ("subscription", "at")
    }
    last = np.ones(len(at), dtype=bool)
    last[:-1] = first[1:] | (at[1:] != at[:-1])
    subscription, at = subscription[last], at[last]
    fields = {name: values[last] for name, values in fields.items()}
    commented = np.where(
        (fields["cancellation_feedback"] != NULL) & (subscription % 5 < 2),
        fields["cancellation_feedback"],
        NULL,
    )
    columns: dict[str, Column] = {
        "id": ids("sub", subscription),
        "customer_id": ids("cus", world.subscriptions["customer"][subscription], 7),
        "status": code(STATUSES, fields["status"]),
        "start_date": instant(fields["start_date"]),
    }
    for name in ("trial_start", "trial_end", "current_period_start", "current_period_end"):
        columns[name] = instant(fields[name])
    columns["cancel_at_period_end"] = flag(fields["cancel_at_period_end"])
    for name in ("cancel_at", "canceled_at", "ended_at"):
        columns[name] = instant(fields[name])
    columns |= {
        "cancellation_reason": code(REASONS, fields["cancellation_reason"]),
        "cancellation_feedback": code(FEEDBACK, fields["cancellation_feedback"]),
        "cancellation_comment": code(_COMMENTS, commented),
        "collection_paused_at": instant(fields["collection_paused_at"]),
        "collection_resumes_at": instant(fields["collection_resumes_at"]),
        "created": instant(created[subscription]),
        "updated_at": instant(at),
    }
    return RawTable("billing", "subscriptions", columns, landed=at)


_COMMENTS = (
    "Too expensive for what we use",
    "We need single sign-on, and soon",
    "Moved to a tool our parent company has",
    'The team said "we never open it"',
    "Nobody answered our tickets",
    "Set-up took weeks;\nwe gave up",
    "Numbers were off twice",
    "It's not you, it's our budget, sorry",
)


def items_table(world: World, lost_first: Ints) -> RawTable:
    """A version at each change of price, quantity or existence.

    Args:
        lost_first: items of which nothing landed on the first day (see payments).
    """
    log: Columns = dict(world.item_versions.columns())
    items = world.items.columns()
    subscription = items["subscription"][log["item"]]
    created = world.subscriptions["created"][subscription] // DAY
    last = world.config.as_of_day
    log = take(log, (log["at"] // DAY <= last) & (created <= last))
    log = take(log, np.lexsort((log["at"], log["item"])))
    first_day_of = np.full(len(world.items), FOREVER, np.int64)
    np.minimum.at(first_day_of, log["item"], log["at"] // DAY)
    is_lost = np.isin(log["item"], lost_first) & (log["at"] // DAY == first_day_of[log["item"]])
    log = take(log, ~is_lost)
    subscription = items["subscription"][log["item"]]
    return RawTable(
        "billing",
        "subscription_items",
        {
            "id": ids("si", log["item"]),
            "subscription_id": ids("sub", subscription),
            "price_id": code(price_ids(), log["price"]),
            "quantity": whole(log["quantity"]),
            "deleted": flag(log["deleted"]),
            "created": instant(items["created"][log["item"]]),
            "updated_at": instant(log["at"]),
        },
        landed=log["at"],
    )


def discounts_table(world: World) -> RawTable:
    """Discounts; a second version where one was taken away."""
    rows = world.discounts.columns()
    ends = world.discount_ends.columns()
    number = np.concatenate([np.arange(len(rows["start_at"])), ends["discount"]])
    end_at = np.concatenate([np.full(len(rows["start_at"]), NULL), ends["at"]])
    start_at = rows["start_at"][number]
    at = np.where(end_at == NULL, start_at, end_at)
    repeating = rows["duration"][number] == REPEATING
    planned = add_months(start_at // DAY, rows["months"][number]) * DAY + start_at % DAY
    end_at = np.where(repeating, planned, end_at)
    of_known = np.isin(rows["subscription"][number], np.append(known_subscriptions(world), -1))
    seen = (at // DAY <= world.config.as_of_day) & of_known
    number, end_at, at = number[seen], end_at[seen], at[seen]
    of = take(rows, number)

    def optional(values: Ints, missing: int) -> Ints:
        return np.where(values == missing, NULL, values)

    return RawTable(
        "billing",
        "discounts",
        {
            "id": ids("di", number),
            "customer_id": ids("cus", optional(of["customer"], -1), 7),
            "subscription_id": ids("sub", optional(of["subscription"], -1)),
            "percent_off": decimal(optional(of["millipercent"], 0), 3),
            "amount_off": whole(optional(of["amount_off"], 0)),
            "currency": currency_column(optional(of["currency"], -1)),
            "duration": code(DURATIONS, of["duration"]),
            "duration_in_months": whole(optional(of["months"], 0)),
            "start_at": instant(of["start_at"]),
            "end_at": instant(end_at),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("csv", "parquet"),
    )
