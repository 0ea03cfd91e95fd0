"""Product tables besides the mass of events: milestones and warnings, users, entitlements."""

from __future__ import annotations

import numpy as np

from simulation import names
from simulation.columns import NULL, expand, take
from simulation.config import Ints, generator
from simulation.dates import DAY, first_day
from simulation.people import Users
from simulation.tables import RawTable, code, decimal, expression, ids, instant
from simulation.timeline import Timeline
from simulation.world import ACTIVE, PAST_DUE, TRIALING, World

ONBOARDING = ("workspace_created", "teammate_invited", "data_connected", "first_report_created")
CANCEL_PAGE, DATA_EXPORT = "cancel_page_viewed", "data_exported"
UPGRADE_PAGE = "upgrade_page_viewed"
SPECIAL_EVENTS = (*ONBOARDING, CANCEL_PAGE, DATA_EXPORT, UPGRADE_PAGE)
USER_ROLES = ("admin", "member", "viewer")
LIMITS = ("seats", "api_calls", "storage_gb")


def special_events_table(world: World) -> RawTable:
    """Onboarding milestones, visits to the cancel page, exports of data before leaving."""
    rng = generator(world.config.seed, "special events")
    count = world.config.customers
    parts: list[tuple[Ints, Ints, int]] = []
    engagement = world.customers["temper"]
    at = world.customers["created"] + 600
    reached = np.arange(count, dtype=np.int64)
    for step in range(len(ONBOARDING)):
        parts.append((reached, at, step))
        # The engaged go on, and sooner.
        goes_on = rng.random(len(reached)) < 1 / (1 + np.exp(-(1.6 + engagement[reached])))
        wait = rng.exponential(2.5, len(reached)) * np.exp(-0.4 * engagement[reached]) * DAY
        reached, at = reached[goes_on], (at + 600 + wait.astype(np.int64))[goes_on]
    requests = world.cancel_requests.columns()
    seen = rng.random(len(requests["at"])) < 0.7
    parts.append(
        (
            requests["customer"][seen],
            requests["at"][seen] - rng.integers(300, 10 * DAY, int(seen.sum())),
            SPECIAL_EVENTS.index(CANCEL_PAGE),
        )
    )
    exported = rng.random(len(requests["at"])) < 0.35
    parts.append(
        (
            requests["customer"][exported],
            requests["at"][exported] - rng.integers(300, 8 * DAY, int(exported.sum())),
            SPECIAL_EVENTS.index(DATA_EXPORT),
        )
    )
    # Curiosity: visits that mean nothing.
    idle = rng.integers(0, count, max(count // 20, 1))
    idle_at = world.customers["created"][idle] + rng.integers(30, 400, len(idle)) * DAY
    parts.append((idle, idle_at, SPECIAL_EVENTS.index(CANCEL_PAGE)))
    curious = rng.integers(0, count, max(count // 8, 1))
    curious_at = world.customers["created"][curious] + rng.integers(10, 500, len(curious)) * DAY
    parts.append((curious, curious_at, SPECIAL_EVENTS.index(UPGRADE_PAGE)))
    account = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    event = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    known = (at // DAY <= world.config.as_of_day) & (at >= world.customers["created"][account])
    number = np.arange(len(at), dtype=np.int64)[known]
    account, at, event = account[known], at[known], event[known]
    return RawTable(
        "product",
        "events",
        {
            "id": ids("evs", number),
            "account_id": ids("acc", account, 7),
            "user_id": expression(account, "'usr_' || {0} || '_0'"),
            "event": code(SPECIAL_EVENTS, event),
            "occurred_at": instant(at),
            "received_at": instant(at + 3),
            "properties": expression(event, """'{"source": "web"}'"""),
        },
        landed=at,
    )


def user_id(account_and_number: Ints) -> str:
    """SQL of a user's identifier from account * 64 + number within the account."""
    return "'usr_' || {0} // 64 || '_' || {0} % 64"


def users_table(world: World, users: Users) -> RawTable:
    """A version when added, one when deactivated."""
    row = np.arange(len(users.account), dtype=np.int64)
    row = np.concatenate([row, row[users.left_at != NULL]])
    is_left = np.repeat([False, True], [len(users.account), len(row) - len(users.account)])
    at = np.where(is_left, users.left_at[row], users.created[row])
    seen = at // DAY <= world.config.as_of_day
    row, is_left, at = row[seen], is_left[seen], at[seen]
    number = users.number[row]
    key = users.account[row] * 64 + number
    return RawTable(
        "product",
        "users",
        {
            "id": expression(key, user_id(key)),
            "account_id": ids("acc", users.account[row], 7),
            "email": expression(key, names.mail("user")),
            "role": code(USER_ROLES, np.where(number == 0, 0, 1 + number % 2)),
            "created": instant(users.created[row]),
            "deactivated_at": instant(np.where(is_left, at, NULL)),
            "updated_at": instant(at),
        },
        landed=at,
    )


def entitlements_table(world: World, timeline: Timeline, users: Users) -> RawTable:
    """Limits and use on the second day of each month, of accounts in service."""
    rng = generator(world.config.seed, "entitlements")
    config = world.config
    states = take(timeline.states, np.isin(timeline.states["state"], (TRIALING, ACTIVE, PAST_DUE)))
    months = config.first_month + np.arange(config.months, dtype=np.int64)
    days = first_day(months) + 1
    low = np.searchsorted(days, states["start"], side="left")
    high = np.searchsorted(days, states["end"], side="left")
    row, step = expand(np.maximum(high - low, 0))
    month = low[row] + step
    customer = world.subscriptions["customer"][states["subscription"][row]]
    key = np.unique(customer * config.months + month)
    key = np.repeat(key, len(LIMITS))
    limit = np.tile(np.arange(len(LIMITS), dtype=np.int64), len(key) // len(LIMITS))
    customer, month = key // config.months, key % config.months
    engagement = world.engagement[customer, month].astype(np.float64)
    seats = np.diff(users.first)[customer]
    allowed = np.where(limit == 0, seats, np.where(limit == 1, 1_000 * seats, 5 * seats))
    share = 1 / (1 + np.exp(-(0.2 + 0.9 * engagement + rng.normal(0, 0.5, len(key)))))
    exact = share * allowed
    used = np.where(limit == 0, np.rint(exact), np.rint(exact * 102) / 100)
    at = days[month] * DAY + 3_600
    return RawTable(
        "product",
        "entitlements",
        {
            "account_id": ids("acc", customer, 7),
            "limit_key": code(LIMITS, limit),
            "measured_at": instant(at),
            "limit_value": decimal(allowed * 100, 2),
            "used_value": decimal(np.rint(used * 100).astype(np.int64), 2),
        },
        landed=at,
    )
