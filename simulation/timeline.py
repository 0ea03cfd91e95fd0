"""Intervals made from the company's log: when each item was counted, and at what price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.catalogue import INTERVAL_MONTHS, period_amounts, price_interval
from simulation.columns import NULL, Columns, intersect, last_of_group, take
from simulation.config import Ints
from simulation.dates import DAY, FOREVER, add_months
from simulation.world import COUNTED_STATES, ONCE, REPEATING, World


@dataclass(frozen=True)
class Timeline:
    """What was so on which days, all `[start, end)` in day numbers, cut after the last day.

    Attributes:
        states: subscription, start, end, state.
        items: item, subscription, start, end, price, quantity (NULL: metered), at (the instant of
            the change that began it); in service or not.
        priced: customer, subscription, item, start, end, currency, amount (minor units of one
            billing interval, before discounts), months (of that interval); licensed items on the
            days on which they are counted.
        discounted: row of `priced`, discount, start, end.
        discounts: the discounts that are known, with `end` day; rows are discount numbers.
    """

    states: Columns
    items: Columns
    priced: Columns
    discounted: Columns
    discounts: Columns


def build_timeline(world: World) -> Timeline:
    """Read the log into intervals."""
    last = world.config.as_of_day
    states = _states(world, last)
    items = _items(world, last)
    priced = _priced(world, states, items)
    discounts = _discounts(world)
    return Timeline(states, items, priced, _discounted(priced, discounts), discounts)


def _until_next(group: Ints, start: Ints) -> Ints:
    """End of each row of a sorted history: the next row's start in its group, else FOREVER."""
    end = np.full(len(start), FOREVER, np.int64)
    same = group[1:] == group[:-1]
    end[:-1][same] = start[1:][same]
    return end


def _states(world: World, last: int) -> Columns:
    log = world.states.columns()
    known = world.subscriptions["created"][log["subscription"]] // DAY <= last
    log = take(log, known & (log["day"] <= last))
    # Of one day the last state that was settled counts.
    rows = take(log, last_of_group(log["subscription"], log["day"]))
    end = _until_next(rows["subscription"], rows["day"])
    return {
        "subscription": rows["subscription"],
        "start": rows["day"],
        "end": np.minimum(end, last + 1),
        "state": rows["state"],
    }


def _items(world: World, last: int) -> Columns:
    log = world.item_versions.columns()
    log = take(log, log["at"] // DAY <= last)
    order = np.lexsort((log["at"], log["item"]))
    log = take(log, order)
    rows = take(log, last_of_group(log["item"], log["at"] // DAY))
    table = world.items.columns()
    subscription = table["subscription"][rows["item"]]
    created = world.subscriptions["created"][subscription] // DAY
    begin = world.subscriptions["start"][subscription] // DAY
    first = np.ones(len(rows["item"]), dtype=bool)
    first[1:] = rows["item"][1:] != rows["item"][:-1]
    start = rows["at"] // DAY
    end = np.minimum(_until_next(rows["item"], start), last + 1)
    # An item that came with the subscription is there from the subscription's start.
    with_it = first & (table["created"][rows["item"]] // DAY <= created)
    start = np.where(with_it, begin, start)
    kept = (rows["deleted"] == 0) & (start < end) & (created <= last)
    return take(
        {
            "item": rows["item"],
            "subscription": subscription,
            "start": start,
            "end": end,
            "price": rows["price"],
            "quantity": rows["quantity"],
            "at": rows["at"],
        },
        kept,
    )


def _priced(world: World, states: Columns, items: Columns) -> Columns:
    licensed = take(items, items["quantity"] != NULL)
    counted = take(states, np.isin(states["state"], COUNTED_STATES))
    left, _, start, end = intersect(
        licensed["subscription"],
        licensed["start"],
        licensed["end"],
        counted["subscription"],
        counted["start"],
        counted["end"],
    )
    rows = take(licensed, left) | {"start": start, "end": end}
    customer = world.subscriptions["customer"][rows["subscription"]]
    left, start, end = _without_deleted(world, customer, start, end)
    rows = take(rows, left) | {"start": start, "end": end, "customer": customer[left]}
    # Split where the price list changed.
    price, since, until = _price_list(world)
    left, version, start, end = intersect(
        rows["price"], rows["start"], rows["end"], price, since, until
    )
    rows = take(rows, left) | {"start": start, "end": end}
    rows["amount"] = period_amounts(world.prices, version, np.maximum(rows["quantity"], 0))
    rows["months"] = INTERVAL_MONTHS[price_interval(rows["price"])]
    rows["currency"] = world.subscriptions["currency"][rows["subscription"]]
    return rows


def _price_list(world: World) -> tuple[Ints, Ints, Ints]:
    """Price, first day and end of each price version; a first version also speaks for before."""
    price = np.array([version.price for version in world.prices], np.int64)
    since = np.array([version.since // DAY for version in world.prices], np.int64)
    order = np.lexsort((since, price))
    until = np.empty(len(since), np.int64)
    until[order] = _until_next(price[order], since[order])
    since[order[_first_of(price[order])]] = 0
    return price, since, until


def period_amounts_on(world: World, price: Ints, quantity: Ints, on_day: Ints) -> Ints:
    """What the quantity costs for one interval by the price list of the day, in minor units."""
    list_price, since, _ = _price_list(world)
    order = np.lexsort((since, list_price))
    wide = np.int64(2**33)
    key = list_price[order] * wide + since[order]
    version = order[np.searchsorted(key, price * wide + on_day, side="right") - 1]
    return period_amounts(world.prices, version, quantity)


def _first_of(sorted_group: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    first = np.ones(len(sorted_group), dtype=bool)
    first[1:] = sorted_group[1:] != sorted_group[:-1]
    return first


def lives(world: World) -> Columns:
    """When each customer was not deleted: customer, start, end."""
    log = world.deletions.columns()
    log = take(log, log["at"] // DAY <= world.config.as_of_day)
    everyone = np.arange(world.config.customers, dtype=np.int64)
    order = np.lexsort((log["at"], log["customer"]))
    log = take(log, order)
    begins = log["until"] > 0
    customer = np.concatenate([everyone, log["customer"][begins]])
    start = np.concatenate([np.zeros(len(everyone), np.int64), log["until"][begins] // DAY])
    order = np.lexsort((start, customer))
    customer, start = customer[order], start[order]
    # Each stretch ends at the next deletion of the customer, if there is one.
    wide = np.int64(2**33)
    deleted = log["customer"] * wide + log["at"] // DAY
    position = np.searchsorted(deleted, customer * wide + start, side="left")
    end = np.full(len(customer), FOREVER, np.int64)
    there = position < len(deleted)
    there[there] = log["customer"][position[there]] == customer[there]
    end[there] = log["at"][position[there]] // DAY
    return {"customer": customer, "start": start, "end": end}


def _without_deleted(
    world: World, customer: Ints, start: Ints, end: Ints
) -> tuple[Ints, Ints, Ints]:
    alive = lives(world)
    left, _, start, end = intersect(
        customer, start, end, alive["customer"], alive["start"], alive["end"]
    )
    return left, start, end


def _discounts(world: World) -> Columns:
    rows: Columns = dict(world.discounts.columns())
    ends = world.discount_ends.columns()
    ends = take(ends, ends["at"] // DAY <= world.config.as_of_day)
    count = len(rows["start_at"])
    start = rows["start_at"] // DAY
    end = np.full(count, FOREVER, np.int64)
    repeating = rows["duration"] == REPEATING
    end[repeating] = add_months(start[repeating], rows["months"][repeating])
    end[ends["discount"]] = ends["at"] // DAY
    return rows | {"start": start, "end": end}


def _discounted(priced: Columns, discounts: Columns) -> Columns:
    """Which rows of `priced` a discount applies to, and on which days."""
    parts = []
    for level in ("subscription", "customer"):
        chosen = np.flatnonzero(discounts[level] >= 0).astype(np.int64)
        by_key = np.lexsort((np.arange(len(priced[level])), priced[level]))
        keys = priced[level][by_key]
        low = np.searchsorted(keys, discounts[level][chosen], side="left")
        high = np.searchsorted(keys, discounts[level][chosen], side="right")
        counts = high - low
        owner = np.repeat(np.arange(len(chosen)), counts)
        step = np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
        row = by_key[low[owner] + step]
        discount = chosen[owner]
        start = np.maximum(priced["start"][row], discounts["start"][discount])
        end = discounts["end"][discount]
        once = discounts["duration"][discount] == ONCE
        # A single period of the item's own price.
        end = np.where(once, add_months(discounts["start"][discount], priced["months"][row]), end)
        end = np.minimum(priced["end"][row], end)
        currency = discounts["currency"][discount]
        kept = (start < end) & ((currency < 0) | (currency == priced["currency"][row]))
        parts.append(
            {
                "row": row[kept],
                "discount": discount[kept],
                "start": start[kept],
                "end": end[kept],
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
