"""Raw tables of customer success: contacts, NPS answers, tickets, experiments, action outcomes."""

from __future__ import annotations

import numpy as np

from simulation import names
from simulation.columns import NULL, expand, intersect, take
from simulation.config import Floats, Ints, generator
from simulation.dates import DAY, first_day
from simulation.experiments import EXPERIMENTS, month_bounds, running
from simulation.gtm import OWNERS
from simulation.tables import RawTable, code, day, decimal, expression, ids, instant, text, whole
from simulation.timeline import Timeline
from simulation.usage import user_id
from simulation.world import ACTIVE, PAST_DUE, World

ROLES = ("champion", "decision_maker", "economic_buyer", "user")
TITLES = ("Head of Operations", "Managing Director", "Finance Lead", "Analyst")
PRIORITIES = ("low", "normal", "high", "urgent")
OUTCOMES = ("done", "customer_saved", "no_answer", "not_needed")
NPS_SHARE = 0.12
_NPS_COMMENTS = (
    "Does what it says",
    'We love the alerts, "game changer"',
    "Too slow on Mondays;\nplease mend, thanks",
    "Preis passt, Einführung war zäh",
    "It's fine",
)


def contacts_table(world: World) -> RawTable:
    """A champion and up to three more per account; champions leave, and are sometimes replaced."""
    rng = generator(world.config.seed, "contacts")
    count = world.config.customers
    account, role = expand(1 + rng.integers(0, 4, count))
    created = world.customers["created"][account] + 300
    left = np.full(len(account), NULL)
    log = world.champions_left.columns()
    first_left = np.full(count, NULL)
    first_left[log["customer"][::-1]] = log["at"][::-1]
    champion = (role == 0) & (first_left[account] != NULL) & (first_left[account] > created)
    left[champion] = first_left[account[champion]]
    # Half of the champions who leave have a successor within two months.
    gone = np.flatnonzero(champion).astype(np.int64)
    followed = gone[rng.random(len(gone)) < 0.5]
    start = left[followed] + rng.integers(5, 60, len(followed)) * DAY
    account = np.concatenate([account, account[followed]])
    role = np.concatenate([role, np.zeros(len(followed), np.int64)])
    created = np.concatenate([created, start])
    left = np.concatenate([left, np.full(len(followed), NULL)])
    number = np.arange(len(account), dtype=np.int64)
    row = np.concatenate([number, number[left != NULL]])
    is_left = np.repeat([False, True], [len(number), len(row) - len(number)])
    at = np.where(is_left, left[row], created[row])
    seen = at // DAY <= world.config.as_of_day
    row, is_left, at = row[seen], is_left[seen], at[seen]
    is_user = row < len(number) - len(followed)
    return RawTable(
        "crm",
        "contacts",
        {
            "id": ids("con", row),
            "account_id": ids("acc", account[row], 7),
            "user_id": expression(
                np.where((role[row] == 0) & is_user, account[row] * 64, NULL), user_id(account)
            ),
            "email": expression(row, names.mail("contact")),
            "name": expression(row, names.person()),
            "title": code(TITLES, role[row]),
            "role": code(ROLES, role[row]),
            "left_company_at": instant(np.where(is_left, at, NULL)),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("jsonl", "csv"),
    )


def _months_of_paying(world: World, timeline: Timeline) -> tuple[Ints, Ints, Ints, Ints]:
    """Customer, month, first day and end of the days on which customers paid, one row per month."""
    config = world.config
    states = take(timeline.states, np.isin(timeline.states["state"], (ACTIVE, PAST_DUE)))
    bounds = first_day(config.first_month + np.arange(config.months + 1, dtype=np.int64))
    zero = np.zeros(len(states["start"]), np.int64)
    every = np.zeros(config.months, np.int64)
    left, month, start, end = intersect(
        zero, states["start"], states["end"], every, bounds[:-1], bounds[1:]
    )
    customer = world.subscriptions["customer"][states["subscription"][left]]
    _, first = np.unique(customer * config.months + month, return_index=True)
    return customer[first], month[first], start[first], end[first]


def _moment(rng: np.random.Generator, start: Ints, end: Ints) -> Ints:
    on_day = start + (rng.random(len(start)) * (end - start)).astype(np.int64)
    result: Ints = on_day * DAY + rng.integers(7 * 3_600, 20 * 3_600, len(start))
    return result


def _nps_effect(world: World, customer: Ints, month: Ints) -> Floats:
    effect = np.zeros(len(customer))
    rows = world.assignments.columns()
    for number, experiment in enumerate(EXPERIMENTS):
        member = np.zeros(world.config.customers)
        chosen = (rows["experiment"] == number) & (rows["is_target"] == 1)
        member[rows["customer"][chosen]] = experiment.nps
        runs = np.array([running(world.config, number, m) for m in range(world.config.months)])
        effect += member[customer] * runs[month]
    return effect


def nps_table(world: World, timeline: Timeline) -> RawTable:
    """Answers of paying accounts; the score follows the hidden engagement."""
    rng = generator(world.config.seed, "nps")
    customer, month, start, end = _months_of_paying(world, timeline)
    asked = rng.random(len(customer)) < NPS_SHARE
    customer, month, start, end = (values[asked] for values in (customer, month, start, end))
    engagement = world.engagement[customer, month].astype(np.float64)
    mean = 7.3 + 1.5 * engagement + _nps_effect(world, customer, month)
    score = np.clip(np.rint(mean + rng.normal(0, 1.4, len(mean))), 0, 10).astype(np.int64)
    at = _moment(rng, start, end)
    commented = rng.random(len(mean)) < 0.3
    comment = np.where(commented, rng.integers(0, len(_NPS_COMMENTS), len(mean)), NULL)
    return RawTable(
        "survey",
        "nps_responses",
        {
            "id": ids("nps", np.arange(len(at), dtype=np.int64)),
            "account_id": ids("acc", customer, 7),
            "user_id": expression(customer * 64, user_id(customer)),
            "score": whole(score),
            "comment": code(_NPS_COMMENTS, comment),
            "responded_at": instant(at),
        },
        landed=at,
        formats=("jsonl", "csv"),
    )


def tickets_table(world: World, timeline: Timeline) -> RawTable:
    """Tickets of paying accounts: more of the disengaged; slow answers make for low marks."""
    rng = generator(world.config.seed, "tickets")
    customer, month, start, end = _months_of_paying(world, timeline)
    engagement = world.engagement[customer, month].astype(np.float64)
    row, _ = expand(rng.poisson(np.clip(0.3 * np.exp(-0.3 * engagement), 0, 3)).astype(np.int64))
    customer, engagement = customer[row], engagement[row]
    opened = _moment(rng, start[row], end[row])
    hours = rng.exponential(30 * np.exp(-0.15 * engagement))
    resolved = opened + 600 + (hours * 3_600).astype(np.int64)
    mood = 4.4 + 0.3 * engagement - hours / 60 + rng.normal(0, 0.7, len(row))
    mark = np.clip(np.rint(mood), 1, 5)
    priority = rng.choice(4, len(row), p=[0.2, 0.5, 0.22, 0.08])
    rated = rng.random(len(row)) < 0.45
    number = np.arange(len(row), dtype=np.int64)
    version = np.concatenate([number, number])
    is_done = np.repeat([False, True], len(number))
    at = np.where(is_done, resolved[version], opened[version])
    seen = at // DAY <= world.config.as_of_day
    version, is_done, at = version[seen], is_done[seen], at[seen]
    return RawTable(
        "support",
        "tickets",
        {
            "id": ids("tic", version),
            "account_id": ids("acc", customer[version], 7),
            "priority": code(PRIORITIES, priority[version]),
            "opened_at": instant(opened[version]),
            "resolved_at": instant(np.where(is_done, at, NULL)),
            "csat": whole(np.where(is_done & rated[version], mark[version].astype(np.int64), NULL)),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("jsonl", "csv"),
    )


def experiments_table(world: World) -> RawTable:
    """The experiments that began by the last day: a version at the begin, one at the end."""
    config = world.config
    rows: list[tuple[int, int, int, int]] = []
    for number in range(len(EXPERIMENTS)):
        begin, over = experiment_days(world, number)
        if config.months >= 8 and begin <= config.as_of_day:
            rows.append((number, begin, 0, begin * DAY + 8 * 3_600))
            if over <= config.as_of_day:
                rows.append((number, begin, over, over * DAY + 3_600))
    table = np.array(rows, np.int64).reshape(-1, 4)
    which: Ints = table[:, 0]
    return RawTable(
        "success",
        "experiments",
        {
            "id": code([experiment.key for experiment in EXPERIMENTS], which),
            "name": code([experiment.name for experiment in EXPERIMENTS], which),
            "hypothesis": code([experiment.hypothesis for experiment in EXPERIMENTS], which),
            "kpi": code([experiment.kpi for experiment in EXPERIMENTS], which),
            "started_on": day(table[:, 1]),
            "ended_on": day(np.where(table[:, 2] > 0, table[:, 2] - 1, NULL)),
            "pre_period_days": whole(np.full(len(which), 56)),
            "post_period_days": whole(np.full(len(which), 56)),
            "expected_target_share": decimal(np.full(len(which), 500), 3),
            "updated_at": instant(table[:, 3]),
        },
        landed=table[:, 3],
        formats=("jsonl",),
    )


def experiment_days(world: World, number: int) -> tuple[int, int]:
    """First day of an experiment and the day after its last one."""
    experiment = EXPERIMENTS[number]
    month = int(experiment.begins * world.config.months)
    begin, _ = month_bounds(world.config, month)
    over = first_day(np.array([world.config.first_month + month + experiment.months]))
    return begin, int(over[0])


def assignments_table(world: World) -> RawTable:
    """Which account is in which group."""
    rows = world.assignments.columns()
    return RawTable(
        "success",
        "experiment_assignments",
        {
            "experiment_id": code([e.key for e in EXPERIMENTS], rows["experiment"]),
            "account_id": ids("acc", rows["customer"], 7),
            "variant": code(("control", "target"), rows["is_target"]),
            "assigned_at": instant(rows["at"]),
        },
        landed=rows["at"],
        formats=("csv",),
    )


def outcomes_table(world: World) -> RawTable:
    """Outcomes of tasks that managers made for themselves, after a champion had left."""
    rng = generator(world.config.seed, "outcomes")
    rows = world.champions_left.columns()
    at = rows["at"] + rng.integers(DAY, 30 * DAY, len(rows["at"]))
    seen = at // DAY <= world.config.as_of_day
    at, customer = at[seen], rows["customer"][seen]
    return RawTable(
        "crm",
        "action_outcomes",
        {
            "action_id": ids("task", np.flatnonzero(seen).astype(np.int64)),
            "resolved_at": instant(at),
            "resolution_reason": code(OUTCOMES, rng.integers(0, len(OUTCOMES), len(at))),
            "resolved_by": code(OWNERS, customer * 7 % len(OWNERS)),
            "note": expression(customer, text("Met the new contact of account ") + " || {0}"),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("csv",),
    )
