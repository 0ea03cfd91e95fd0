"""What happens in a month: how engaged accounts are, what they change, who leaves or returns."""

from __future__ import annotations

import numpy as np

from simulation import changes, interruptions, lifecycles
from simulation.arrivals import choose_interval, choose_seats
from simulation.catalogue import ANNUAL, ENTERPRISE, STARTER, TEAM
from simulation.config import Bools, Floats, Ints, generator
from simulation.dates import DAY, FOREVER
from simulation.discounts import give_discounts, give_thanks
from simulation.experiments import EXPERIMENTS, month_bounds, running
from simulation.world import World

# True monthly chance of asking to cancel at engagement 0, and the log effect of a unit of it.
SEGMENT_HAZARD = np.array([0.021, 0.012, 0.006])
ENGAGEMENT_COEFFICIENT = -0.9
EARLY_MONTHS_FACTOR = 1.4
# Who has paid for a year decides in its last 75 days.
ANNUAL_FACTOR_AT_RENEWAL, ANNUAL_FACTOR = 2.2, 0.5
# Engagement from month to month: what is kept, and the size of chance.
ENGAGEMENT_MEMORY = 0.75
ENGAGEMENT_NOISE = 0.45
# What takes engagement away: the monthly chance, the loss at once, and the loss for good.
CHAMPION_LEAVES = (0.010, 0.8, 0.35)
OWNER_CHANGES = (0.012, 0.15, 0.0)
PROJECT_ENDS = (0.008, 0.0, 1.2)

# What can happen to a subscription besides changes of its items; only the first depends on more.
CANCEL, PAUSE, PAUSE_COLLECTION, MISTAKE, DELETE, THANK = range(6)
OTHER_CHANCES = (0.004, 0.003, 0.0008, 0.0008, 0.003)
ANNUAL_FAILURE_CHANCE, FAILURE_CHANCE = 0.05, 0.028
MORE_SEATS, FEWER_SEATS, UPGRADE, DOWNGRADE, SWAP_INTERVAL, SWAP_ADDON = range(6)


def live_month(world: World, rng: np.random.Generator, month: int) -> None:
    """One month of all subscriptions: at most one change of items and one other thing for each."""
    first, after = month_bounds(world.config, month)
    _assign_experiments(world, month, first)
    _feel(world, rng, month, first, after)
    table = world.subscriptions
    subs = np.flatnonzero(
        (table["paid_from"] < after)
        & (table["busy"] + 1 < after)
        & (table["end"] > first)
        & (world.customers["is_deleted"][table["customer"]] == 0)
    ).astype(np.int64)
    low = np.maximum(np.maximum(first, table["busy"][subs] + 1), table["paid_from"][subs] + 1)
    subs, low = subs[low < after], low[low < after]
    customer = table["customer"][subs]
    engagement = world.engagement[customer, month].astype(np.float64)
    chance = _cancel_chance(world, month, subs, engagement)
    world.churn_chance[customer, month] = chance
    share = (after - low) / 30.4
    renewal = _renewal_day(world, month, subs, low)
    day = low + (rng.random(len(subs)) * (after - low)).astype(np.int64)
    kind = _draw(rng, np.stack([chance * share, *(other * share for other in OTHER_CHANCES)]))
    renews = (renewal >= low) & (renewal < after)
    annual = table["interval"][subs] == ANNUAL
    failure_chance = np.where(annual, ANNUAL_FAILURE_CHANCE, FAILURE_CHANCE)
    fails = renews & (rng.random(len(subs)) < failure_chance)
    kind = np.where(fails, -1, kind)
    settled = np.where(fails, renewal, np.where(kind >= 0, day, FOREVER))
    _change_items(world, rng, subs, low, np.minimum(after, settled), share, renewal, engagement)
    is_cancel, is_pause, is_stop, is_mistake, is_delete, is_thank = (
        kind == what for what in (CANCEL, PAUSE, PAUSE_COLLECTION, MISTAKE, DELETE, THANK)
    )
    ended = lifecycles.cancel(world, rng, subs[is_cancel], day[is_cancel])
    interruptions.pause(world, rng, subs[is_pause], day[is_pause])
    interruptions.pause_collection(world, rng, subs[is_stop], day[is_stop])
    interruptions.fail_renewal(world, rng, subs[fails], renewal[fails])
    interruptions.cancel_by_mistake(world, rng, subs[is_mistake], day[is_mistake])
    give_thanks(world, rng, subs[is_thank], day[is_thank])
    _return(world, rng, ended)
    _buy_another(world, rng, subs[is_thank])
    _delete(world, rng, customer[is_delete], day[is_delete])


def _draw(rng: np.random.Generator, chances: Floats) -> Ints:
    """Which of the exclusive things happens to each (number of the row), or -1: none."""
    point = rng.random(chances.shape[1])
    number = (point >= chances.cumsum(axis=0)).sum(axis=0)
    return np.where(number == len(chances), -1, number).astype(np.int64)


def _feel(world: World, rng: np.random.Generator, month: int, first: int, after: int) -> None:
    """Engagement of the month: memory, the account's temper, chance, and what befell it."""
    customers = world.customers
    count = world.config.customers
    noise = rng.normal(0, ENGAGEMENT_NOISE, count)
    here = customers["created"] // DAY < after
    before = world.customers["mood"]
    temper = customers["temper"]
    value = np.where(
        np.isnan(before),
        temper + 0.4 + noise,
        ENGAGEMENT_MEMORY * before + (1 - ENGAGEMENT_MEMORY) * temper + noise,
    )
    for log, (chance, loss, for_good) in (
        (world.champions_left, CHAMPION_LEAVES),
        (world.owner_changes, OWNER_CHANGES),
    ):
        hit = here & ~np.isnan(before) & (rng.random(count) < chance)
        who = np.flatnonzero(hit).astype(np.int64)
        day = first + (rng.random(len(who)) * (after - first)).astype(np.int64)
        log.add(customer=who, at=lifecycles.moments(rng, day))
        value -= np.where(hit, loss, 0)
        temper -= np.where(hit, for_good, 0)
    # Some projects simply end: interest fades for good.
    temper -= np.where(here & (rng.random(count) < PROJECT_ENDS[0]), PROJECT_ENDS[2], 0)
    customers["mood"] = np.where(here, value, np.nan)
    # What an experiment adds is there while it runs, and does not pile up.
    shown = customers["mood"] + _experiment_effect(world, month)[1]
    world.engagement[:, month] = shown


def _cancel_chance(world: World, month: int, subs: Ints, engagement: Floats) -> Floats:
    table = world.subscriptions
    customer = table["customer"][subs]
    hazard = SEGMENT_HAZARD[world.customers["segment"][customer]]
    hazard = hazard * np.exp(ENGAGEMENT_COEFFICIENT * engagement)
    hazard = hazard * _experiment_effect(world, month)[0][customer]
    first, _ = month_bounds(world.config, month)
    age = first - table["paid_from"][subs]
    hazard = hazard * np.where(age < 90, EARLY_MONTHS_FACTOR, 1.0)
    annual = table["interval"][subs] == ANNUAL
    left = lifecycles.period_end(world, subs, np.full(len(subs), first)) // DAY - first
    hazard = hazard * np.where(
        annual, np.where(left < 75, ANNUAL_FACTOR_AT_RENEWAL, ANNUAL_FACTOR), 1.0
    )
    result: Floats = np.minimum(hazard, 0.6)
    return result


def _renewal_day(world: World, month: int, subs: Ints, low: Ints) -> Ints:
    """The day of the first renewal on or after `low` (it may lie beyond the month)."""
    renewal: Ints = lifecycles.period_end(world, subs, low - 1) // DAY
    return renewal


def _change_items(
    world: World,
    rng: np.random.Generator,
    subs: Ints,
    low: Ints,
    before: Ints,
    share: Floats,
    renewal: Ints,
    engagement: Floats,
) -> None:
    """At most one change of items, on a day before anything else and not on a renewal day."""
    table = world.subscriptions
    keen = np.exp(0.4 * np.clip(engagement, -3, 3))
    seats = changes.has_seats(world, subs)
    swappable = world.customers["has_once"][table["customer"]][subs] == 0
    kind = _draw(
        rng,
        share
        * np.stack(
            [
                np.where(seats, 0.05 * keen, 0),
                np.where(seats, 0.022 / keen, 0),
                0.008 * keen,
                0.005 / keen,
                np.where(swappable, 0.008, 0),
                np.where(table["addon_item"][subs] >= 0, 0.02, 0.010 * keen),
            ]
        ),
    )
    day = low + (rng.random(len(subs)) * (before - low)).astype(np.int64)
    kind = np.where((day >= before) | (day == renewal), -1, kind)
    at = lifecycles.moments(rng, day)
    growth = rng.uniform(1.05, 1.5, len(subs))
    up, down = kind == MORE_SEATS, kind == FEWER_SEATS
    changes.change_seats(world, rng, subs[up], at[up], growth[up])
    changes.change_seats(world, rng, subs[down], at[down], 1 / growth[down])
    changes.change_plan(world, rng, subs[kind == UPGRADE], at[kind == UPGRADE], 1)
    changes.change_plan(world, rng, subs[kind == DOWNGRADE], at[kind == DOWNGRADE], -1)
    changes.change_interval(world, subs[kind == SWAP_INTERVAL], at[kind == SWAP_INTERVAL])
    changes.change_addon(world, subs[kind == SWAP_ADDON], at[kind == SWAP_ADDON])


def _return(world: World, rng: np.random.Generator, ended: Ints) -> None:
    """Some of the lost come back with a new subscription, a week to half a year later."""
    table = world.subscriptions
    back = ended[rng.random(len(ended)) < 0.14]
    customer = table["customer"][back]
    gap = 6 + rng.exponential(60, len(back)).astype(np.int64)
    day = table["end"][back] + gap
    plan = np.minimum(table["plan"][back], ENTERPRISE)
    segment = world.customers["segment"][customer]
    start = lifecycles.moments(rng, day)
    subs = lifecycles.begin(
        world,
        rng,
        customer=customer,
        start=start,
        currency=table["currency"][back],
        plan=plan,
        interval=choose_interval(rng, segment),
        seats=table["seats"][back],
        has_trial=np.zeros(len(back), dtype=bool),
    )
    give_discounts(world, rng, subs, start)


def _buy_another(world: World, rng: np.random.Generator, subs: Ints) -> None:
    """A second subscription beside the first, a few of them in another currency."""
    table = world.subscriptions
    subs = subs[rng.random(len(subs)) < 0.7]
    customer = table["customer"][subs]
    currency = table["currency"][subs]
    other = rng.random(len(subs)) < 0.1
    start = lifecycles.moments(rng, table["busy"][subs] + 1)
    plan = np.where(rng.random(len(subs)) < 0.5, STARTER, TEAM)
    new = lifecycles.begin(
        world,
        rng,
        customer=customer,
        start=start,
        currency=np.where(other, (currency + 1) % 5, currency),
        plan=plan,
        interval=choose_interval(rng, world.customers["segment"][customer]),
        seats=choose_seats(rng, plan, world.customers["segment"][customer]),
        has_trial=np.zeros(len(subs), dtype=bool),
    )
    give_discounts(world, rng, new, start)


def _delete(world: World, rng: np.random.Generator, customer: Ints, day: Ints) -> None:
    """Customers are deleted, a few by mistake; their subscriptions' own rows say nothing of it."""
    customer, first = np.unique(customer, return_index=True)
    day = day[first]
    at = lifecycles.moments(rng, day)
    by_mistake = rng.random(len(customer)) < 0.2
    until = np.where(by_mistake, at + rng.integers(2, 7, len(customer)) * DAY, 0)
    world.deletions.add(customer=customer, at=at, until=until)
    world.customers["is_deleted"][customer[~by_mistake]] = 1
    table = world.subscriptions
    gone = np.flatnonzero(
        np.isin(table["customer"], customer[~by_mistake]) & (table["segment"] >= 0)
    ).astype(np.int64)
    moment = np.zeros(world.config.customers, np.int64)
    moment[customer] = at
    lifecycles.close_segment(world, gone, moment[table["customer"][gone]])


def _assign_experiments(world: World, month: int, first: int) -> None:
    for number, experiment in enumerate(EXPERIMENTS):
        if month != int(experiment.begins * world.config.months) or world.config.months < 8:
            continue
        rng = generator(world.config.seed, f"experiment {experiment.key}")
        table = world.subscriptions
        paying = np.unique(table["customer"][(table["paid_from"] < first) & (table["end"] > first)])
        chosen = paying[rng.random(len(paying)) < 0.6]
        target = (rng.random(len(chosen)) < 0.5).astype(np.int64)
        at = first * DAY + rng.integers(8 * 3_600, 10 * 3_600, len(chosen))
        world.assignments.add(experiment=number, customer=chosen, is_target=target, at=at)


def _experiment_effect(world: World, month: int) -> tuple[Floats, Floats]:
    """Per customer: factor on the hazard, and what is added to engagement."""
    factor = np.ones(world.config.customers)
    added = np.zeros(world.config.customers)
    rows = world.assignments.columns()
    for number, experiment in enumerate(EXPERIMENTS):
        if not running(world.config, number, month):
            continue
        members: Bools = (rows["experiment"] == number) & (rows["is_target"] == 1)
        factor[rows["customer"][members]] *= experiment.hazard_ratio
        added[rows["customer"][members]] += experiment.engagement
    return factor, added
