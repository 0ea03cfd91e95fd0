"""How subscriptions begin and end, each as one episode, settled as a whole when it begins.

An episode writes the versions that the billing system would land (`patches`, `item_versions`), the
days' true states (`states`), and the stretches of billing. Its later steps may lie in the future.
"""

from __future__ import annotations

import numpy as np

from simulation.catalogue import (
    API_CALLS,
    INSIGHTS,
    INTERVAL_MONTHS,
    MONTHLY,
    price_number,
)
from simulation.columns import NULL
from simulation.config import Bools, Floats, Ints
from simulation.dates import DAY, FOREVER, next_period_end
from simulation.world import ACTIVE, CANCELED, EXPIRED, INCOMPLETE, REQUESTED, TRIALING, World

TRIAL_DAYS = 14


def moments(rng: np.random.Generator, day: Ints) -> Ints:
    """An instant of each day, never in its first or last five minutes."""
    result: Ints = day * DAY + rng.integers(300, DAY - 300, len(day))
    return result


def between(rng: np.random.Generator, low: int, high: int, count: int) -> Ints:
    """Whole numbers from low to high, both included."""
    return rng.integers(low, high + 1, count)


def begin(
    world: World,
    rng: np.random.Generator,
    *,
    customer: Ints,
    start: Ints,
    currency: Ints,
    plan: Ints,
    interval: Ints,
    seats: Ints,
    has_trial: Bools,
) -> Ints:
    """New subscriptions with their base item, some with an add-on or metered usage."""
    count = len(customer)
    created = _creation(rng, start, has_trial)
    no_one = np.full(count, -1, np.int64)
    subs = world.add_subscriptions(
        {
            "customer": customer,
            "currency": currency,
            "plan": plan,
            "interval": interval,
            "seats": seats,
            "created": created,
            "start": start,
            "paid_from": start // DAY,
            "anchor": start,
            "segment": no_one,
            "base_item": no_one,
            "addon_item": no_one,
            "busy": np.maximum(start, created) // DAY,
            "end": np.full(count, FOREVER, np.int64),
        }
    )
    table = world.subscriptions
    plain = ~has_trial
    usual = plain & (start == created)
    incomplete = usual & (rng.random(count) < 0.02)
    world.patches.add(
        subscription=subs,
        at=created,
        status=np.where(has_trial, TRIALING, np.where(incomplete, INCOMPLETE, ACTIVE)),
        start_date=start,
        cancel_at_period_end=0,
    )
    if not world.config.clean:
        right_away = usual & ~incomplete
        _land_wrong_start(world, subs[right_away], start[right_away])
    price = price_number(plan, interval, currency)
    table["base_item"][subs] = add_item(world, subs, created, price, seats)
    with_addon = rng.random(count) < 0.10
    add_addon(world, subs[with_addon], created[with_addon])
    metered = (rng.random(count) < 0.12) & (interval == MONTHLY)
    add_item(
        world,
        subs[metered],
        created[metered],
        price_number(API_CALLS, MONTHLY, currency[metered]),
        np.full(int(metered.sum()), NULL, np.int64),
    )
    world.states.add(subscription=subs[plain], day=(start // DAY)[plain], state=ACTIVE)
    open_segment(world, subs[plain], start[plain])
    _first_payment_open(world, rng, subs[incomplete])
    return subs


def _creation(rng: np.random.Generator, start: Ints, has_trial: Bools) -> Ints:
    """When it was entered: mostly as it starts, sometimes days after (backdated) or before that."""
    chance = rng.random(len(start))
    shift = between(rng, 1, 6, len(start)) * DAY
    backdated = ~has_trial & (chance < 0.01)
    planned = ~has_trial & (chance >= 0.01) & (chance < 0.02)
    return np.where(backdated, start + shift, np.where(planned, start - shift, start))


def _land_wrong_start(world: World, subs: Ints, start: Ints) -> None:
    """Of some the start is first landed some days off, and corrected three days later."""
    known = (start + 4 * DAY) // DAY <= world.config.as_of_day
    subs, start = subs[known], start[known]
    wrong = world.dirt.random(len(subs)) < 0.03
    subs, start = subs[wrong], start[wrong]
    off = world.dirt.choice(np.array([-2, -1, 1, 3, 5]), len(subs)) * DAY
    world.patches.add(subscription=subs, at=start, start_date=start + off)
    world.patches.add(subscription=subs, at=start + 3 * DAY + 18_000, start_date=start)


def add_item(world: World, subs: Ints, created: Ints, price: Ints, quantity: Ints) -> Ints:
    """Items with their first version; returns their numbers."""
    items = world.items.add(subscription=subs, created=created)
    world.item_versions.add(item=items, at=created, price=price, quantity=quantity)
    return items


def add_addon(world: World, subs: Ints, at: Ints) -> None:
    """The add-on product as an item of its own, in the subscription's interval and currency."""
    table = world.subscriptions
    price = price_number(INSIGHTS, table["interval"][subs], table["currency"][subs])
    table["addon_item"][subs] = add_item(world, subs, at, price, np.ones(len(subs), np.int64))


def open_segment(world: World, subs: Ints, anchor: Ints, *, is_trial: bool = False) -> None:
    """Billing periods counted from `anchor` on; a trial is one period of its own."""
    table = world.subscriptions
    months = np.where(is_trial, 0, INTERVAL_MONTHS[table["interval"][subs]])
    table["anchor"][subs] = anchor
    table["segment"][subs] = world.segments.add(
        subscription=subs, anchor=anchor, months=months, is_trial=int(is_trial)
    )


def close_segment(world: World, subs: Ints, until: Ints) -> None:
    """No billing period of the open stretch begins at `until` or later."""
    world.segment_ends.add(segment=world.subscriptions["segment"][subs], until=until)


def period_end(world: World, subs: Ints, day: Ints) -> Ints:
    """The instant at which the billing period that holds the end of `day` is over."""
    table = world.subscriptions
    anchor = table["anchor"][subs]
    months = INTERVAL_MONTHS[table["interval"][subs]]
    end: Ints = next_period_end(anchor // DAY, months, day) * DAY + anchor % DAY
    return end


def _first_payment_open(world: World, rng: np.random.Generator, subs: Ints) -> None:
    """The first payment needs the customer: it comes within two days, or all expires."""
    table = world.subscriptions
    start = table["start"][subs]
    world.states.add(subscription=subs, day=start // DAY, state=INCOMPLETE)
    pays = rng.random(len(subs)) < 0.6
    paid_at = start + between(rng, 3_600, 47 * 3_600, len(subs))
    done = paid_at // DAY
    world.patches.add(subscription=subs[pays], at=paid_at[pays], status=ACTIVE)
    world.states.add(subscription=subs[pays], day=done[pays], state=ACTIVE)
    table["busy"][subs] = done + 1
    table["paid_from"][subs] = done
    lost = ~pays
    ended = start[lost] + 23 * 3_600
    world.patches.add(
        subscription=subs[lost], at=ended, status=EXPIRED, ended_at=ended, canceled_at=ended
    )
    settle_end(world, subs[lost], ended)
    world.failures.add(
        subscription=subs,
        day=start // DAY,
        attempts=np.where(pays, 2, 1),
        recovered_at=np.where(pays, paid_at, 0),
    )


def settle_end(world: World, subs: Ints, ended: Ints) -> None:
    """Service ends at that instant: nothing else will happen to the subscription."""
    table = world.subscriptions
    world.states.add(subscription=subs, day=ended // DAY, state=CANCELED)
    close_segment(world, subs, ended)
    table["end"][subs] = ended // DAY
    table["busy"][subs] = FOREVER


def run_trials(
    world: World, rng: np.random.Generator, subs: Ints, engagement: Floats
) -> tuple[Ints, Ints]:
    """Trials of 14 days, some prolonged, that turn into paying or come to nothing.

    Returns the subscriptions that convert and the instants at which they do.
    """
    table = world.subscriptions
    start = table["start"][subs]
    count = len(subs)
    planned = start + TRIAL_DAYS * DAY
    prolonged = rng.random(count) < 0.08
    end = planned + np.where(prolonged, 7 * DAY, 0)
    world.patches.add(
        subscription=subs,
        at=start,
        trial_start=start,
        trial_end=planned,
        current_period_start=start,
        current_period_end=planned,
    )
    world.patches.add(
        subscription=subs[prolonged],
        at=(planned - 2 * DAY - 7_200)[prolonged],
        trial_end=end[prolonged],
        current_period_end=end[prolonged],
    )
    world.states.add(subscription=subs, day=start // DAY, state=TRIALING)
    open_segment(world, subs, start, is_trial=True)
    converts = rng.random(count) < 1 / (1 + np.exp(-(0.7 + 0.9 * engagement)))
    won, paid_at = subs[converts], end[converts]
    world.patches.add(subscription=won, at=paid_at, status=ACTIVE)
    world.states.add(subscription=won, day=paid_at // DAY, state=ACTIVE)
    close_segment(world, won, paid_at)
    open_segment(world, won, paid_at)
    table["paid_from"][won] = paid_at // DAY
    table["busy"][won] = paid_at // DAY
    lost = ~converts
    table["paid_from"][subs[lost]] = FOREVER
    at_once = lost & (rng.random(count) < 0.3)
    asked = start + between(rng, 2 * DAY, 11 * DAY, count)
    _cancel(world, rng, subs[at_once], asked[at_once], asked[at_once])
    later = lost & ~at_once
    _cancel(world, rng, subs[later], asked[later], end[later])
    return won, paid_at


def cancel(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> Ints:
    """A cancellation asked for on that day: most at the period's end, a few of these taken back.

    Returns the subscriptions that really end.
    """
    asked = moments(rng, day)
    count = len(subs)
    end = period_end(world, subs, day)
    at_once = rng.random(count) < 0.25
    # Taking it back needs a day between the request and the end.
    taken_back = ~at_once & (end // DAY - day > 3) & (rng.random(count) < 0.12)
    ends = ~taken_back
    _cancel(world, rng, subs[ends], asked[ends], np.where(at_once, asked, end)[ends])
    kept = subs[taken_back]
    ask_to_cancel(world, rng, kept, asked[taken_back], end[taken_back])
    back_day = (
        day[taken_back]
        + 1
        + (rng.random(len(kept)) * (end[taken_back] // DAY - day[taken_back] - 2)).astype(np.int64)
    )
    world.patches.add(
        subscription=kept,
        at=moments(rng, back_day),
        cancel_at_period_end=0,
        cancel_at=NULL,
        canceled_at=NULL,
        cancellation_reason=NULL,
        cancellation_feedback=NULL,
    )
    world.subscriptions["busy"][kept] = back_day
    return subs[ends]


def ask_to_cancel(
    world: World, rng: np.random.Generator, subs: Ints, asked: Ints, end: Ints
) -> None:
    """The request alone: its version, with feedback from most, and the instant it was made."""
    feedback = rng.choice(8, len(subs), p=[0.27, 0.2, 0.14, 0.17, 0.05, 0.06, 0.05, 0.06])
    silent = rng.random(len(subs)) < 0.3
    world.patches.add(
        subscription=subs,
        at=asked,
        cancel_at_period_end=(asked != end).astype(np.int64),
        cancel_at=np.where(asked != end, end, NULL),
        canceled_at=asked,
        cancellation_reason=REQUESTED,
        cancellation_feedback=np.where(silent, NULL, feedback),
    )
    world.cancel_requests.add(customer=world.subscriptions["customer"][subs], at=asked)


def _cancel(world: World, rng: np.random.Generator, subs: Ints, asked: Ints, ended: Ints) -> None:
    ask_to_cancel(world, rng, subs, asked, ended)
    world.patches.add(subscription=subs, at=ended, status=CANCELED, ended_at=ended)
    settle_end(world, subs, ended)
    if not world.config.clean:
        _land_wrong_end(world, subs, ended)


def _land_wrong_end(world: World, subs: Ints, ended: Ints) -> None:
    """Of some the end is first landed a day or two off, and corrected days later.

    Only where the correction is known by the last day: the truth is the final knowledge.
    """
    rng = world.dirt
    off = rng.choice(np.array([-2, -1, 1, 2]), len(subs)) * DAY
    known_at = ended + between(rng, 3, 10, len(subs)) * DAY
    chosen = (rng.random(len(subs)) < 0.04) & (known_at // DAY <= world.config.as_of_day)
    world.patches.add(subscription=subs[chosen], at=ended[chosen], ended_at=(ended + off)[chosen])
    world.patches.add(subscription=subs[chosen], at=known_at[chosen], ended_at=ended[chosen])
