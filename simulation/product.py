"""Product events, driven by the hidden engagement: written by the engine, straight to Parquet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from simulation.columns import NULL, Columns, expand, intersect, take
from simulation.config import Ints, SimulationConfig, generator
from simulation.dates import DAY, FOREVER, first_day
from simulation.people import Users
from simulation.tables import text
from simulation.timeline import Timeline
from simulation.world import ACTIVE, PAST_DUE, TRIALING, UNPAID, World
from simulation.writer import LandedFile, copy_query, delivery_days

# From the most used to the least; an account uses the first few of them.
CORE_FEATURES = (
    "dashboard_viewed",
    "report_created",
    "report_shared",
    "alert_configured",
    "integration_synced",
    "automation_run",
    "comment_added",
    "api_called",
)

# Where an event came from; of eight, one has nothing to say.
_PROPERTIES = (*['{"source": "web"}'] * 5, '{"source": "mobile"}', '{"source": "api"}', None)
EVENTS_PER_SESSION = 5
# Events of one file; bounds the memory and lets several threads work.
ROWS_PER_FILE = 2_000_000
# Of the events: received days late; received twice.
LATE_PER_MILLE, DUPLICATE_PER_MILLE = 10, 5


@dataclass(frozen=True)
class Activity:
    """Events to make per account and month.

    `rows`: account, first (day), days, events, users (how many there are by then), features (how
    many of the core features), begin (number of the first event).
    """

    rows: Columns
    users: Users


def plan_activity(world: World, timeline: Timeline, people: Users) -> Activity:
    """How much each account does in each month, from its engagement and the days it had access."""
    config = world.config
    states = timeline.states
    using = take(states, np.isin(states["state"], (TRIALING, ACTIVE, PAST_DUE, UNPAID)))
    months = config.first_month + np.arange(config.months, dtype=np.int64)
    bounds = first_day(np.append(months, config.as_of_month + 1))
    same = np.zeros(len(using["start"]), np.int64)
    every = np.zeros(config.months, np.int64)
    left, month, start, end = intersect(
        same, using["start"], using["end"], every, bounds[:-1], bounds[1:]
    )
    account = world.subscriptions["customer"][using["subscription"][left]]
    # Several stretches or subscriptions in a month are one: from the first day to the last one.
    key = account * config.months + month
    order = np.argsort(key, kind="stable")
    key, start, end = key[order], start[order], end[order]
    groups = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else key
    begin = np.minimum.reduceat(start, groups) if len(key) else start
    finish = np.maximum.reduceat(end, groups) if len(key) else end
    account, month = key[groups] // config.months, key[groups] % config.months
    rng = generator(config.seed, "activity")
    users = people.present(account, begin)
    engagement = world.engagement[account, month].astype(np.float64)
    daily = 0.35 * users**0.6 * np.exp(0.75 * engagement)
    expected = daily * (finish - begin)
    if config.events is not None:
        expected *= config.events / max(expected.sum(), 1)
    events = rng.poisson(expected)
    if config.events is not None and len(events):
        # Exactly as many as were asked for.
        events = _exact_total(events, config.events)
    features = np.clip(np.rint(4.2 + 1.5 * engagement), 1, len(CORE_FEATURES)).astype(np.int64)
    rows: Columns = {
        "account": account,
        "first": begin,
        "days": finish - begin,
        "events": events,
        "users": users,
        "features": features,
    }
    rows = take(rows, np.lexsort((account, month)))
    rows["begin"] = np.cumsum(rows["events"]) - rows["events"]
    return Activity(take(rows, rows["events"] > 0), people)


def _exact_total(events: Ints, total: int) -> Ints:
    largest = int(np.argmax(events))
    difference = total - int(events.sum())
    while difference < 0:
        taken = min(int(events[largest]), -difference)
        events[largest] -= taken
        difference += taken
        largest = int(np.argmax(events))
    events[largest] += difference
    return events


def land_events(world: World, activity: Activity, folder: Path) -> list[LandedFile]:
    """Write the events as Parquet files of at most ROWS_PER_FILE rows, several at a time."""
    config = world.config
    ends = delivery_days(config)
    delivery = np.minimum(np.searchsorted(ends, activity.rows["first"]), len(ends) - 1)
    # Rows are in month order: a file is a stretch of rows of one delivery.
    total = np.cumsum(activity.rows["events"])
    part = delivery * 1_000_000 + total // ROWS_PER_FILE
    jobs: list[tuple[Columns, Path, int, bool]] = []
    for number, name in enumerate(np.unique(part).tolist()):
        rows = take(activity.rows, part == name)
        at = name // 1_000_000
        jobs.append((rows, _folder(folder, int(ends[at])), number, False))
        if not config.clean:
            later = _folder(folder, int(ends[min(at + 1, len(ends) - 1)]))
            jobs.append((rows, later, number, True))

    def land_job(job: tuple[Columns, Path, int, bool]) -> LandedFile:
        return _land_part(*job, activity.users, config)

    with ThreadPoolExecutor(config.workers) as pool:
        files = list(pool.map(land_job, jobs))
    return [file for file in files if file.rows]


def _departures(rows: Columns, users: Users) -> pa.ListArray:
    """For each row a list of the instants at which the account's users left, FOREVER if never."""
    row, number = expand(rows["users"])
    left_at = users.left_at[users.first[rows["account"][row]] + number]
    left_at = np.where(left_at == NULL, FOREVER * DAY, left_at)
    offsets = np.append(0, np.cumsum(rows["users"])).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(left_at))


def _folder(folder: Path, end: int) -> Path:
    return folder / "product" / "events" / f"date={date(1970, 1, 1) + timedelta(days=end)}"


def _land_part(
    rows: Columns, folder: Path, number: int, is_late: bool, users: Users, config: SimulationConfig
) -> LandedFile:
    """One file: the events in time, or those that came late or twice."""
    path = folder / f"{'late' if is_late else 'events'}-{number:05d}.parquet"
    features = ", ".join(text(feature) for feature in CORE_FEATURES)
    sources = ", ".join(text(value) if value else "null" for value in _PROPERTIES)
    lot = "choice % 1000"
    late = f"{lot} < {LATE_PER_MILLE}"
    twice = f"{lot} >= {1000 - DUPLICATE_PER_MILLE}"
    kept = "true" if config.clean else (f"({late}) or ({twice})" if is_late else f"not ({late})")
    # What a whole session shares is made once for it, not once per event.
    query = f"""
        with sessions as (
            select
                account, account_id, users, left_at, first, days, features,
                begin + number * {EVENTS_PER_SESSION} as n,
                least({EVENTS_PER_SESSION}, events - number * {EVENTS_PER_SESSION}) as size,
                hash({config.seed}, begin, number) as session
            from (
                select *, printf('acc_%07d', account) as account_id,
                    unnest(range((events + {EVENTS_PER_SESSION - 1}) // {EVENTS_PER_SESSION}))
                        as number
                from given
            )
        ), drawn as (
            select *, first + (session % days::ubigint)::bigint as drawn_day,
                least(session // 1024 % users::ubigint, session // 65536 % users::ubigint)
                    as user_number
            from sessions
        ), placed as (
            -- Most work on a weekend is done in the week before, where that is in the period.
            select
                account_id, n, size, session, features::ubigint as features,
                'usr_' || account || '_' || user_number as user_id,
                left_at[user_number::integer + 1] as user_left_at,
                case when (drawn_day + 3) % 7 >= 5 and session // 64 % 10 < 8
                    then greatest(drawn_day - ((drawn_day + 3) % 7 - 4)
                        - (session // 1048576 % 5)::bigint, first)
                    else drawn_day end * {DAY} + 25200 + (session // 4096 % 43200)::bigint
                    as began_at
            from drawn
        ), events as (
            select *, hash(session, step) as choice
            from (select *, unnest(range(size)) as step from placed)
        )
        select
            'evt_' || (n + step) as id,
            account_id,
            -- Who has left leaves things that run by themselves.
            case when began_at < user_left_at then user_id end as user_id,
            case when step = 0 then 'login' else ([{features}])[1 + least(
                choice // 1024 % features, choice // 262144 % features)::integer] end as event,
            make_timestamp((began_at + step * 70) * 1000000) as occurred_at,
            make_timestamp((began_at + step * 70 + {172_800 if is_late else 2}) * 1000000)
                as received_at,
            ([{sources}])[1 + (choice // 67108864 % 8)::integer] as properties
        from events
        where {kept}
    """
    given = pa.table(dict(rows) | {"left_at": _departures(rows, users)})
    count = copy_query(query, given, path, "parquet")
    if not count:
        path.unlink()
    return LandedFile(path, count)
