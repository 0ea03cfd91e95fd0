"""Go-to-market raw tables: leads, crm accounts, spend, exchange rates, cost of revenue."""

from __future__ import annotations

import numpy as np

from simulation import names
from simulation.arrivals import CHANNEL_MOTIONS, CHANNEL_SHARES, COUNTRIES, SEASON
from simulation.billing import currency_column
from simulation.columns import NULL, Columns
from simulation.config import Ints, SimulationConfig, generator
from simulation.dates import DAY, FOREVER, first_day, month_of
from simulation.experiments import month_bounds
from simulation.rates import RATE_SCALE, daily_rates
from simulation.tables import Column, RawTable, code, day, decimal, expression, ids, instant
from simulation.world import CHANNELS, MOTIONS, SEGMENTS, World

LOST_LEADS_PER_CUSTOMER = 2.2
LOST_REASONS = ("no_budget", "no_answer", "competitor", "bad_fit", "timing")
# Share of customers whose account belongs to a parent account.
_PARENT_SHARE = 0.06
_CHILDREN_PER_PARENT = 3
OWNERS = tuple(f"csm_{number:02d}" for number in range(1, 13))


def parents(world: World) -> tuple[Ints, Ints]:
    """Parent account of each customer's account (-1: none), and the accounts that are only parents.

    A customer's account has the customer's number; accounts that are only parents come after.
    """
    rng = generator(world.config.seed, "crm.parents")
    count = world.config.customers
    chosen = np.flatnonzero(rng.random(count) < _PARENT_SHARE).astype(np.int64)
    group = np.arange(len(chosen)) // _CHILDREN_PER_PARENT
    parent = np.full(count, -1, np.int64)
    # Every second group has a holding without a subscription above it, the others one of their own.
    holding = group % 2 == 0
    number = count + group // 2
    parent[chosen[holding]] = number[holding]
    heads = chosen[::_CHILDREN_PER_PARENT]
    head = heads[group]
    inner = ~holding & (chosen != head)
    parent[chosen[inner]] = head[inner]
    return parent, np.unique(number[holding])


def accounts_table(world: World) -> RawTable:
    """An account per customer, and holdings; owners change, a first industry may be wrong."""
    rng = generator(world.config.seed, "crm.accounts")
    count = world.config.customers
    parent, holdings = parents(world)
    created = world.customers["created"]
    everyone = np.arange(count, dtype=np.int64)
    changes = world.owner_changes.columns()
    account = np.concatenate([everyone, changes["customer"], holdings])
    beginning = np.full(len(holdings), int(created.min()) if count else 0)
    at = np.concatenate([created + 30, changes["at"], beginning])
    rank = np.repeat([0, 1, 0], [count, len(changes["at"]), len(holdings)])
    seen = (at // DAY <= world.config.as_of_day) & (
        at >= np.append(created, beginning)[np.minimum(account, count + len(beginning) - 1)]
    )
    account, at, rank = account[seen], at[seen], rank[seen]
    owner = (account * 7 + np.where(rank == 1, at // DAY, 0)) % len(OWNERS)
    is_customer = account < count
    of = np.minimum(account, count - 1)
    industry = account * 5 % 11 % len(names.INDUSTRIES)
    if not world.config.clean:
        industry = np.where((rank == 0) & (rng.random(len(rank)) < 0.03), 0, industry)
    return RawTable(
        "crm",
        "accounts",
        {
            "id": ids("acc", account, 7),
            "billing_customer_id": ids("cus", np.where(is_customer, account, NULL), 7),
            "parent_account_id": ids(
                "acc", np.where(is_customer & (parent[of] >= 0), parent[of], NULL), 7
            ),
            "name": expression(account, names.company()),
            "segment": code(SEGMENTS, np.where(is_customer, world.customers["segment"][of], 2)),
            "industry": code(names.INDUSTRIES, industry),
            "country": code(COUNTRIES, np.where(is_customer, world.customers["country"][of], 0)),
            "owner_id": code(OWNERS, owner),
            "founded_on": day(at.min(initial=0) // DAY - 400 - account * 37 % 9_000),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("csv", "parquet"),
    )


def leads(world: World) -> Columns:
    """Every lead with its steps as instants (NULL: did not happen), the customers' ones first."""
    rng = generator(world.config.seed, "crm.leads")
    count = world.config.customers
    customers, table = world.customers, world.subscriptions
    first = np.arange(count, dtype=np.int64)
    tried = world.segments.columns()
    in_trial = np.zeros(len(table["start"]), dtype=bool)
    in_trial[tried["subscription"][tried["is_trial"] == 1]] = True
    trial = in_trial[first]
    created = customers["created"]
    awareness = created - (rng.exponential(18, count) * DAY).astype(np.int64) - 3_600
    thought = (created - awareness) * rng.uniform(0.2, 0.9, count)
    consideration = awareness + thought.astype(np.int64)
    paid = table["paid_from"][first]
    start = table["start"][first]
    converted = np.where(trial, paid * DAY + start % DAY, np.maximum(start, paid * DAY))
    wins = paid < FOREVER
    ended = table["end"][first] * DAY + 43_200
    more = int(count * LOST_LEADS_PER_CUSTOMER)
    rows = {
        "customer": np.concatenate([first, np.full(more, -1)]),
        "channel": np.concatenate(
            [customers["channel"], rng.choice(len(CHANNELS), more, p=CHANNEL_SHARES)]
        ),
    }
    opening, _ = month_bounds(world.config, 0)
    days = np.arange(opening, world.config.as_of_day + 1, dtype=np.int64)
    weight = np.exp(1.1 * (days - opening) / max(len(days), 365)) * SEASON[month_of(days) % 12]
    lost_awareness = rng.choice(days, more, p=weight / weight.sum()) * DAY
    lost_awareness += rng.integers(0, DAY, more)
    considered = rng.random(more) < 0.45
    lost_consideration = lost_awareness + rng.integers(1, 20, more) * DAY
    lost = np.where(considered, lost_consideration, lost_awareness)
    lost = lost + rng.integers(5, 60, more) * DAY
    motion = (
        rng.random(more)[:, None] > CHANNEL_MOTIONS[rows["channel"][count:]].cumsum(axis=1)
    ).sum(axis=1)
    nothing = np.full(more, NULL)
    return rows | {
        "motion": np.concatenate([customers["motion"], np.minimum(motion, 3)]),
        "awareness_at": np.concatenate([awareness, lost_awareness]),
        "consideration_at": np.concatenate(
            [consideration, np.where(considered, lost_consideration, NULL)]
        ),
        "trial_started_at": np.concatenate([np.where(trial, table["start"][first], NULL), nothing]),
        "converted_at": np.concatenate([np.where(wins, converted, NULL), nothing]),
        "lost_at": np.concatenate([np.where(wins, NULL, ended), lost]),
    }


_STEPS = ("awareness_at", "consideration_at", "trial_started_at", "converted_at", "lost_at")


def leads_table(world: World) -> RawTable:
    """A version of each lead at each of its steps; a first version may name a wrong channel."""
    rows = leads(world)
    rng = generator(world.config.seed, "crm.leads versions")
    steps = np.stack([rows[name] for name in _STEPS])
    happened = (steps != NULL) & (steps // DAY <= world.config.as_of_day)
    step, lead = np.nonzero(happened)
    step, lead = step.astype(np.int64), lead.astype(np.int64)
    at = steps[step, lead]
    columns: dict[str, Column] = {"id": ids("lead", lead)}
    customer = rows["customer"][lead]
    known = (customer >= 0) & (at >= world.customers["created"][np.maximum(customer, 0)])
    columns["account_id"] = ids("acc", np.where(known, customer, NULL), 7)
    channel = rows["channel"][lead]
    if not world.config.clean:
        wrong = (step == 0) & happened[1][lead] & (rng.random(len(lead)) < 0.02)
        channel = np.where(wrong, 0, channel)
    columns["channel"] = code(CHANNELS, channel)
    columns["campaign"] = expression(
        np.where(np.isin(rows["channel"][lead], (1, 2)), lead % 6, NULL), "'campaign_' || {0}"
    )
    columns["motion"] = code(MOTIONS, rows["motion"][lead])
    for name in _STEPS:
        values = rows[name][lead]
        columns[name] = instant(np.where((values != NULL) & (values <= at), values, NULL))
    columns["lost_reason"] = code(
        LOST_REASONS, np.where(step == 4, lead * 3 % 7 % len(LOST_REASONS), NULL)
    )
    columns["updated_at"] = instant(at)
    return RawTable("crm", "leads", columns, landed=at, formats=("csv", "parquet", "csv"))


def rates_table(world: World) -> RawTable:
    """Daily exchange rates."""
    rows = daily_rates(world.config)
    return RawTable(
        "finance",
        "fx_rates",
        {
            "rate_date": day(rows["rate_day"]),
            "currency": currency_column(rows["currency"]),
            "rate": decimal(rows["rate"], len(str(RATE_SCALE)) - 1),
        },
        landed=rows["rate_day"] * DAY + 64_800,
        formats=("csv.gz",),
    )


def month_starts(config: SimulationConfig) -> Ints:
    """First days of the company's months."""
    return first_day(config.first_month + np.arange(config.months, dtype=np.int64))
