"""What interrupts a subscription, as episodes: pauses, failed renewals, cancelling by mistake."""

from __future__ import annotations

import numpy as np

from simulation.columns import NULL
from simulation.config import Ints
from simulation.dates import DAY
from simulation.lifecycles import (
    ask_to_cancel,
    between,
    close_segment,
    moments,
    open_segment,
    settle_end,
)
from simulation.world import (
    ACTIVE,
    CANCELED,
    DISPUTED,
    PAST_DUE,
    PAUSED,
    PAYMENT_FAILED,
    REQUESTED,
    UNPAID,
    World,
)


def cancel_by_mistake(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> None:
    """Ended at once and brought back days later: out of service in between."""
    ended = moments(rng, day)
    back_day = day + between(rng, 1, 4, len(subs))
    world.patches.add(
        subscription=subs,
        at=ended,
        status=CANCELED,
        canceled_at=ended,
        ended_at=ended,
        cancellation_reason=REQUESTED,
    )
    world.patches.add(
        subscription=subs,
        at=moments(rng, back_day),
        status=ACTIVE,
        canceled_at=NULL,
        ended_at=NULL,
        cancellation_reason=NULL,
    )
    world.states.add(subscription=subs, day=day, state=CANCELED)
    world.states.add(subscription=subs, day=back_day, state=ACTIVE)
    world.subscriptions["busy"][subs] = back_day


def pause(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> None:
    """The subscription itself is paused: no billing; it resumes with new periods, or ends."""
    table = world.subscriptions
    at = moments(rng, day)
    until_day = day + between(rng, 20, 110, len(subs))
    until = moments(rng, until_day)
    world.patches.add(subscription=subs, at=at, status=PAUSED)
    world.states.add(subscription=subs, day=day, state=PAUSED)
    close_segment(world, subs, at)
    resumes = rng.random(len(subs)) < 0.75
    back = subs[resumes]
    world.patches.add(subscription=back, at=until[resumes], status=ACTIVE)
    world.states.add(subscription=back, day=until_day[resumes], state=ACTIVE)
    open_segment(world, back, until[resumes])
    table["busy"][back] = until_day[resumes]
    gone, ended = subs[~resumes], until[~resumes]
    ask_to_cancel(world, rng, gone, ended, ended)
    world.patches.add(subscription=gone, at=ended, status=CANCELED, ended_at=ended)
    settle_end(world, gone, ended)


def pause_collection(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> None:
    """Service goes on, nothing is collected: until a known day, a prolonged one, or an open end."""
    count = len(subs)
    at = moments(rng, day)
    first_until = day + between(rng, 14, 60, count)
    planned = rng.random(count) < 0.7
    prolonged = planned & (rng.random(count) < 0.25)
    until_day = first_until + np.where(prolonged, between(rng, 5, 40, count), 0)
    until = moments(rng, until_day)
    shown = np.where(prolonged, moments(rng, first_until), until)
    world.patches.add(
        subscription=subs,
        at=at,
        collection_paused_at=at,
        collection_resumes_at=np.where(planned, shown, NULL),
    )
    longer_day = day + between(rng, 2, 12, count)
    world.patches.add(
        subscription=subs[prolonged],
        at=moments(rng, longer_day)[prolonged],
        collection_resumes_at=until[prolonged],
    )
    # Where the day was known beforehand, the version that clears it may land a little later.
    lags = planned & (rng.random(count) < 0.4)
    cleared = until + np.where(lags, between(rng, 1, 3, count), 0) * DAY
    world.patches.add(
        subscription=subs, at=cleared, collection_paused_at=NULL, collection_resumes_at=NULL
    )
    world.states.add(subscription=subs, day=day, state=PAUSED)
    world.states.add(subscription=subs, day=until_day, state=ACTIVE)
    world.subscriptions["busy"][subs] = cleared // DAY


def fail_renewal(world: World, rng: np.random.Generator, subs: Ints, day: Ints) -> None:
    """The card does not pay a renewal: retries, then recovered, cancelled, or unpaid first."""
    table = world.subscriptions
    count = len(subs)
    due = day * DAY + table["anchor"][subs] % DAY
    world.patches.add(subscription=subs, at=due + 60, status=PAST_DUE)
    world.states.add(subscription=subs, day=day, state=PAST_DUE)
    chance = rng.random(count)
    retries = between(rng, 1, 3, count)
    retry_after = np.array([0, 3, 8, 15], np.int64)[retries]
    recovers = chance < 0.62
    paid_at = due + retry_after * DAY + between(rng, 0, 7_200, count)
    _recover(world, subs[recovers], paid_at[recovers])
    gives_up = due + 21 * DAY + 120
    cancels = (chance >= 0.62) & (chance < 0.88)
    _cancel_unpaid(world, rng, subs[cancels], gives_up[cancels])
    unpaid = chance >= 0.88
    world.patches.add(subscription=subs[unpaid], at=gives_up[unpaid], status=UNPAID)
    world.states.add(subscription=subs[unpaid], day=gives_up[unpaid] // DAY, state=UNPAID)
    later = gives_up + between(rng, 10, 45, count) * DAY + between(rng, 0, 7_200, count)
    mends = unpaid & (rng.random(count) < 0.4)
    _recover(world, subs[mends], later[mends])
    ends = unpaid & ~mends
    _cancel_unpaid(world, rng, subs[ends], later[ends])
    recovered_at = np.where(recovers, paid_at, np.where(mends, later, 0))
    attempts = np.where(recovers, retries + 1, np.where(mends, 5, 4))
    world.failures.add(subscription=subs, day=day, attempts=attempts, recovered_at=recovered_at)


def _recover(world: World, subs: Ints, at: Ints) -> None:
    world.patches.add(subscription=subs, at=at, status=ACTIVE)
    world.states.add(subscription=subs, day=at // DAY, state=ACTIVE)
    world.subscriptions["busy"][subs] = at // DAY


def _cancel_unpaid(world: World, rng: np.random.Generator, subs: Ints, at: Ints) -> None:
    reason = np.where(rng.random(len(subs)) < 0.06, DISPUTED, PAYMENT_FAILED)
    world.patches.add(
        subscription=subs,
        at=at,
        status=CANCELED,
        canceled_at=at,
        ended_at=at,
        cancellation_reason=reason,
    )
    settle_end(world, subs, at)
