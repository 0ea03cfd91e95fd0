"""Discounts: given with a subscription, in thanks later, and taken away again."""

from __future__ import annotations

import numpy as np

from simulation.catalogue import CURRENCIES
from simulation.config import Ints
from simulation.dates import DAY
from simulation.lifecycles import moments
from simulation.world import LASTING, ONCE, REPEATING, World

# Amounts off per period, in minor units of each currency.
_AMOUNTS = np.array([500, 450, 400, 700, 1_500], np.int64)
_PERCENTS = np.array([10_000, 12_500, 20_000, 33_300, 50_000, 100_000], np.int64)
_PERCENT_SHARES = np.array([0.35, 0.15, 0.25, 0.1, 0.12, 0.03])


def give_discounts(world: World, rng: np.random.Generator, subs: Ints, since: Ints) -> None:
    """A fifth of new subscriptions come with a discount, some of them with two."""
    for chance in (0.20, 0.03):
        chosen = rng.random(len(subs)) < chance
        _give(world, rng, subs[chosen], since[chosen])


def give_thanks(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> None:
    """Ten percent off for some months, for a subscription that has lasted."""
    at = moments(rng, day)
    count = len(subs)
    world.discounts.add(
        customer=np.full(count, -1),
        subscription=subs,
        millipercent=10_000,
        duration=REPEATING,
        months=rng.choice(np.array([3, 6]), count),
        start_at=at,
    )
    world.subscriptions["busy"][subs] = day


def _give(world: World, rng: np.random.Generator, subs: Ints, since: Ints) -> None:
    count = len(subs)
    table = world.subscriptions
    customer = table["customer"][subs]
    is_amount = rng.random(count) < 0.25
    percent = rng.choice(_PERCENTS, count, p=_PERCENT_SHARES)
    duration = rng.choice(np.array([ONCE, REPEATING, LASTING]), count, p=[0.3, 0.45, 0.25])
    # Nobody is given everything for ever.
    duration = np.where((percent == 100_000) & ~is_amount & (duration == LASTING), ONCE, duration)
    for_customer = rng.random(count) < 0.3
    currency = table["currency"][subs]
    amount = _AMOUNTS[currency] * rng.integers(1, 5, count)
    world.discounts.add(
        customer=np.where(for_customer, customer, -1),
        subscription=np.where(for_customer, -1, subs),
        millipercent=np.where(is_amount, 0, percent),
        amount_off=np.where(is_amount, amount, 0),
        currency=np.where(is_amount, currency, -1),
        duration=duration,
        months=np.where(duration == REPEATING, rng.choice(np.array([2, 3, 6, 12]), count), 0),
        start_at=since,
    )
    world.customers["has_once"][customer[duration == ONCE]] = 1
    assert len(CURRENCIES) == len(_AMOUNTS)


def settle_forever_discounts(world: World, rng: np.random.Generator) -> None:
    """A third of the lasting discounts are taken away after half a year or more."""
    rows = world.discounts.columns()
    lasting = np.flatnonzero(rows["duration"] == LASTING).astype(np.int64)
    chosen = lasting[rng.random(len(lasting)) < 0.35]
    day = rows["start_at"][chosen] // DAY + rng.integers(120, 500, len(chosen))
    world.discount_ends.add(discount=chosen, at=moments(rng, day))
