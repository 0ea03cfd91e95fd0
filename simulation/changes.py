"""What customers change about a running subscription: seats, plan, interval, add-on."""

from __future__ import annotations

import numpy as np

from simulation.catalogue import (
    ENTERPRISE,
    INSIGHTS,
    MONTHLY,
    SEAT_PLANS,
    STARTER,
    TEAM,
    price_number,
)
from simulation.config import Floats, Ints
from simulation.dates import DAY
from simulation.lifecycles import add_addon, close_segment, open_segment
from simulation.world import World

MAX_SEATS = 1_500


def change_seats(
    world: World, rng: np.random.Generator, subs: Ints, at: Ints, factor: Floats
) -> None:
    """Seats times a factor, by at least one; sometimes a first try an hour earlier is mended."""
    table = world.subscriptions
    seats = table["seats"][subs]
    step = np.maximum(np.rint(np.abs(factor - 1) * seats), 1).astype(np.int64)
    wanted = np.clip(seats + np.where(factor > 1, step, -step), 1, MAX_SEATS)
    changed = wanted != seats
    subs, at, seats, wanted = subs[changed], at[changed], seats[changed], wanted[changed]
    price = price_number(table["plan"][subs], table["interval"][subs], table["currency"][subs])
    # Two changes in a day: only the later one counts.
    tried = (rng.random(len(subs)) < 0.05) & (at % DAY > 3_600)
    world.item_versions.add(
        item=table["base_item"][subs[tried]],
        at=at[tried] - 3_500,
        price=price[tried],
        quantity=wanted[tried] + 7,
    )
    world.item_versions.add(item=table["base_item"][subs], at=at, price=price, quantity=wanted)
    table["seats"][subs] = wanted


def change_plan(world: World, rng: np.random.Generator, subs: Ints, at: Ints, step: int) -> None:
    """The next plan up or down, where there is one: the price of the same item is swapped."""
    table = world.subscriptions
    plan = table["plan"][subs] + step
    possible = (plan >= STARTER) & (plan <= ENTERPRISE)
    subs, at, plan = subs[possible], at[possible], plan[possible]
    seats = table["seats"][subs]
    seats = np.where(plan == STARTER, 1, seats)
    arriving = (table["plan"][subs] == STARTER) & (plan == TEAM)
    seats = np.where(arriving, rng.integers(2, 8, len(subs)), seats)
    table["plan"][subs] = plan
    table["seats"][subs] = seats
    _swap_base_price(world, subs, at)


def change_interval(world: World, subs: Ints, at: Ints) -> None:
    """From monthly or quarterly to annual, and back to monthly: new periods from that instant.

    All licensed items of a subscription share its interval.
    """
    table = world.subscriptions
    table["interval"][subs] = np.where(table["interval"][subs] == 2, MONTHLY, 2)
    _swap_base_price(world, subs, at)
    addon = table["addon_item"][subs]
    has = addon >= 0
    world.item_versions.add(
        item=addon[has],
        at=at[has],
        price=price_number(INSIGHTS, table["interval"][subs[has]], table["currency"][subs[has]]),
        quantity=1,
    )
    close_segment(world, subs, at)
    open_segment(world, subs, at)


def change_addon(world: World, subs: Ints, at: Ints) -> None:
    """Add the add-on where it is missing, else remove it (a version with `deleted`)."""
    table = world.subscriptions
    addon = table["addon_item"][subs]
    missing = addon < 0
    add_addon(world, subs[missing], at[missing])
    held, removed_at = subs[~missing], at[~missing]
    world.item_versions.add(
        item=addon[~missing],
        at=removed_at,
        price=price_number(INSIGHTS, table["interval"][held], table["currency"][held]),
        quantity=1,
        deleted=1,
    )
    table["addon_item"][held] = -1


def has_seats(world: World, subs: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the plan is priced by seat."""
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.isin(
        world.subscriptions["plan"][subs], SEAT_PLANS
    )
    return result


def _swap_base_price(world: World, subs: Ints, at: Ints) -> None:
    table = world.subscriptions
    world.item_versions.add(
        item=table["base_item"][subs],
        at=at,
        price=price_number(table["plan"][subs], table["interval"][subs], table["currency"][subs]),
        quantity=table["seats"][subs],
    )
