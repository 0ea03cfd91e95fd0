"""Who comes, when, by which channel, and with what they begin."""

from __future__ import annotations

import numpy as np

from simulation import lifecycles
from simulation.catalogue import (
    ANNUAL,
    BUSINESS,
    ENTERPRISE,
    MONTHLY,
    QUARTERLY,
    STARTER,
    price_versions,
)
from simulation.config import Ints, SimulationConfig, generator
from simulation.dates import DAY, first_day, month_of
from simulation.discounts import give_discounts
from simulation.experiments import month_bounds
from simulation.world import CHANNELS, World

# Per channel: share of arrivals, true mean of the hidden engagement, chances of the four motions.
CHANNEL_SHARES = np.array([0.24, 0.20, 0.12, 0.12, 0.11, 0.08, 0.08, 0.05])
CHANNEL_ENGAGEMENT = np.array([0.15, -0.15, -0.45, 0.10, 0.45, 0.25, -0.05, 0.05])
CHANNEL_MOTIONS = np.array(
    [
        [0.75, 0.05, 0.20, 0.00],
        [0.60, 0.10, 0.30, 0.00],
        [0.60, 0.05, 0.35, 0.00],
        [0.35, 0.10, 0.55, 0.00],
        [0.25, 0.05, 0.00, 0.70],
        [0.05, 0.75, 0.20, 0.00],
        [0.00, 1.00, 0.00, 0.00],
        [0.00, 0.70, 0.30, 0.00],
    ]
)
SEGMENT_SHARES = np.array([0.66, 0.25, 0.09])
# More people decide in January and September than in July and December.
SEASON = np.array([1.25, 1.1, 1.1, 1.0, 0.95, 0.9, 0.75, 0.8, 1.2, 1.1, 1.05, 0.8])
COUNTRIES = ("US", "DE", "FR", "GB", "JP", "KW")
_COUNTRY_SHARES = np.array([0.45, 0.16, 0.10, 0.14, 0.10, 0.05])
_COUNTRY_CURRENCY = np.array([0, 1, 1, 2, 3, 4], np.int64)


def found(config: SimulationConfig) -> World:
    """The company with everybody who will ever sign up, before anything has happened."""
    rng = generator(config.seed, "customers")
    count = config.customers
    start, _ = month_bounds(config, 0)
    days = np.arange(start, config.as_of_day + 1, dtype=np.int64)
    months = month_of(days)
    growth = np.exp(1.1 * (days - start) / max(len(days), 365)) * SEASON[months % 12]
    # A few customers were there from the first weeks.
    growth[:45] *= 2.5
    created = np.sort(rng.choice(days, count, p=growth / growth.sum()))
    channel = rng.choice(len(CHANNELS), count, p=CHANNEL_SHARES)
    motion = (rng.random(count)[:, None] > CHANNEL_MOTIONS[channel].cumsum(axis=1)).sum(axis=1)
    segment = rng.choice(3, count, p=SEGMENT_SHARES)
    country = rng.choice(len(COUNTRIES), count, p=_COUNTRY_SHARES)
    raised = int(first_day(np.array([config.first_month + int(config.months * 0.6)]))[0]) + 14
    return World(
        config=config,
        prices=price_versions(start * DAY, raised * DAY + 9 * 3_600),
        customers={
            "created": created * DAY + rng.integers(600, DAY - 600, count),
            "channel": channel,
            "motion": np.minimum(motion, 3),
            "segment": segment,
            "country": country,
            "currency": _COUNTRY_CURRENCY[country],
            "temper": rng.normal(CHANNEL_ENGAGEMENT[channel] + 0.15 * segment, 0.7),
            "mood": np.full(count, np.nan),
            # A discount that covers one period makes the interval unswappable: see changes.
            "has_once": np.zeros(count, np.int64),
            "is_deleted": np.zeros(count, np.int64),
        },
        engagement=np.full((count, config.months), np.nan, np.float32),
        churn_chance=np.zeros((count, config.months), np.float32),
        dirt=generator(config.seed, "dirt"),
    )


def arrive(world: World, rng: np.random.Generator) -> None:
    """First subscriptions; most product-led ones begin with a trial, few sales-led ones do."""
    customers = world.customers
    count = world.config.customers
    everyone = np.arange(count, dtype=np.int64)
    trial_share = np.array([0.9, 0.15, 0.6, 0.4])[customers["motion"]]
    has_trial = rng.random(count) < trial_share
    plan = choose_plan(rng, customers["segment"])
    interval = choose_interval(rng, customers["segment"])
    subs = lifecycles.begin(
        world,
        rng,
        customer=everyone,
        start=customers["created"] + rng.integers(60, 300, count),
        currency=customers["currency"],
        plan=plan,
        interval=interval,
        seats=choose_seats(rng, plan, customers["segment"]),
        has_trial=has_trial,
    )
    customers["created"] = np.minimum(customers["created"], world.subscriptions["created"] - 60)
    tried = subs[has_trial]
    won, paid_at = lifecycles.run_trials(world, rng, tried, customers["temper"][tried])
    plain = subs[~has_trial]
    paying = np.concatenate([plain, won])
    since = np.concatenate([world.subscriptions["start"][plain], paid_at])
    give_discounts(world, rng, paying, since)


def choose_plan(rng: np.random.Generator, segment: Ints) -> Ints:
    """A plan by the size of the company."""
    chances = np.array([[0.45, 0.40, 0.14, 0.01], [0.05, 0.40, 0.45, 0.10], [0.0, 0.05, 0.35, 0.6]])
    plan = (rng.random(len(segment))[:, None] > chances[segment].cumsum(axis=1)).sum(axis=1)
    result: Ints = np.minimum(plan, ENTERPRISE)
    return result


def choose_interval(rng: np.random.Generator, segment: Ints) -> Ints:
    """Monthly, quarterly or annual by the size of the company."""
    chance = rng.random(len(segment))
    annual = np.array([0.18, 0.35, 0.6])[segment]
    return np.where(chance < annual, ANNUAL, np.where(chance > 0.95, QUARTERLY, MONTHLY))


def choose_seats(rng: np.random.Generator, plan: Ints, segment: Ints) -> Ints:
    """Seats by plan and size of the company; the Starter plan has one."""
    mean = np.array([1.4, 2.4, 3.6])[segment] + np.where(plan >= BUSINESS, 0.5, 0.0)
    seats = np.clip(np.rint(np.exp(rng.normal(mean, 0.6))), 1, 900).astype(np.int64)
    return np.where(plan == STARTER, 1, np.maximum(seats, 2))
