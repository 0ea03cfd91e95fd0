"""The KPIs of a simulated company's experiments, read from its true log without landing anything.

An own reading: nothing here is shared with the models. Values are per account: before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.columns import take
from simulation.company import simulate_company
from simulation.config import Floats, SimulationConfig, generator
from simulation.customer_success import experiment_days, nps_table
from simulation.dates import DAY
from simulation.experiments import EXPERIMENTS
from simulation.people import make_users
from simulation.product import EVENTS_PER_SESSION, plan_activity
from simulation.timeline import Timeline, build_timeline
from simulation.truth import Truth, true_mrr
from simulation.world import World

WINDOW = 56
KEYS = tuple(experiment.key for experiment in EXPERIMENTS)


@dataclass(frozen=True)
class Groups:
    """The values of an experiment's accounts; not a number where an account has none."""

    is_target: np.ndarray
    before: Floats
    after: Floats


def simulated_groups(config: SimulationConfig) -> dict[str, Groups]:
    """The accounts of each experiment of a simulated company, by experiment."""
    world = simulate_company(config)
    timeline = build_timeline(world)
    truth = true_mrr(world, timeline)
    rows = world.assignments.columns()
    result = {}
    for number, experiment in enumerate(EXPERIMENTS):
        members = rows["customer"][rows["experiment"] == number]
        is_target = rows["is_target"][rows["experiment"] == number] == 1
        begin, over = experiment_days(world, number)
        windows = ((begin - WINDOW, begin), (over - WINDOW, over))
        if experiment.kpi == "logo_retention":
            values = [_pays(truth, config.customers, day)[members] for day in (begin, over - 1)]
            kept = values[0] == 1
            is_target, values = is_target[kept], [value[kept] for value in values]
        elif experiment.kpi == "active_days":
            values = _active_days(world, timeline, windows, members)
        else:
            values = [_answers(world, timeline, window)[members] for window in windows]
        result[experiment.key] = Groups(is_target, values[0], values[1])
    return result


def _pays(truth: Truth, customers: int, day: int) -> Floats:
    """Whether each customer's true MRR is above 0 at the end of a day: that of its last change."""
    changes = take(truth.changes, truth.changes["day"] <= day)
    changes = take(changes, np.argsort(changes["day"], kind="stable"))
    result = np.zeros(customers)
    # Of several changes of a customer the last one is written last.
    result[changes["customer"]] = changes["after"] > 0
    return result


def _active_days(
    world: World, timeline: Timeline, windows: tuple[tuple[int, int], ...], members: np.ndarray
) -> list[Floats]:
    """Days with a session, sessions falling on any day of their month; in 28 days."""
    rng = generator(world.config.seed, "test sessions")
    rows = plan_activity(world, timeline, make_users(world)).rows
    mine = np.isin(rows["account"], members)
    rows = {name: values[mine] for name, values in rows.items()}
    sessions = -(-rows["events"] // EVENTS_PER_SESSION)
    row = np.repeat(np.arange(len(sessions)), sessions)
    day = rows["first"][row] + (rng.random(len(row)) * rows["days"][row]).astype(np.int64)
    result = []
    for begin, end in windows:
        inside = (day >= begin) & (day < end)
        pairs = np.unique(rows["account"][row][inside] * 1_000_000 + day[inside])
        count = np.bincount(pairs // 1_000_000, minlength=world.config.customers)
        result.append(count[members] * 28 / (end - begin))
    return result


def _answers(world: World, timeline: Timeline, window: tuple[int, int]) -> Floats:
    columns = nps_table(world, timeline).columns
    day = columns["responded_at"].values // DAY
    inside = (day >= window[0]) & (day < window[1])
    account = columns["account_id"].values[inside]
    sums = np.bincount(account, columns["score"].values[inside], world.config.customers)
    counts = np.bincount(account, minlength=world.config.customers)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
