"""When a subscription is in service, in what state, and whether that counts (mrr_rules §2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from tests.oracle.calendar import FOREVER, Calendar, timestamp
from tests.oracle.policy import Policy
from tests.oracle.versions import History, Row, Version

ENDED_STATUSES = ("canceled", "incomplete_expired")
NEVER_STATUSES = ("incomplete", "incomplete_expired")
OWN_DATE_STATUSES = ("past_due", "unpaid", "paused")

Interval = tuple[date, date]
"""Half-open, `[from, to)`."""

PaidPeriods = list[Interval]
"""Service periods of paid, unrefunded subscription lines: start and end dates."""


def runs(history: History, belongs: Callable[[Row], bool]) -> Iterator[tuple[list[Version], date]]:
    """Runs of consecutive versions that `belong`, each with the date of the next other version."""
    run: list[Version] = []
    for version in history.versions:
        if belongs(version.row):
            run.append(version)
        elif run:
            yield run, version.since
            run = []
    if run:
        yield run, FOREVER


def inside(day: date, intervals: list[Interval]) -> bool:
    """Whether `day` lies in one of the intervals."""
    return any(start <= day < end for start, end in intervals)


def deleted_intervals(history: History | None) -> list[Interval]:
    """When the object was deleted: from a version with `deleted` to the next one without."""
    if history is None:
        return []
    return [(run[0].since, end) for run, end in runs(history, lambda row: bool(row.get("deleted")))]


def is_ended(row: Row) -> bool:
    """Whether a version says that service is over or will be."""
    return row["status"] in ENDED_STATUSES or timestamp(row.get("ended_at")) is not None


class SubscriptionLife:
    """One subscription under one policy."""

    def __init__(
        self,
        history: History,
        customer: History | None,
        paid_periods: PaidPeriods,
        policy: Policy,
        calendar: Calendar,
    ) -> None:
        self.history = history
        self.identity = str(history.current["id"])
        self.customer_id = str(history.current["customer_id"])
        self._policy = policy
        self._calendar = calendar
        start = calendar.day(history.current["start_date"])
        assert start is not None, "start_date is required"
        self.start = start
        self.outages = self._ends(paid_periods) + deleted_intervals(customer)
        self.pauses = self._collection_pauses()
        self._trial = self._trial_interval()
        self._grace_ends = self._grace()

    def _service_end(self, version: Version) -> date:
        row = version.row
        end = self._calendar.day(row.get("ended_at")) or self._calendar.day(row.get("canceled_at"))
        return end or version.since

    def _is_asked(self, row: Row) -> bool:
        return is_ended(row) or timestamp(row.get("canceled_at")) is not None

    def _ends(self, paid_periods: PaidPeriods) -> list[Interval]:
        outages: list[Interval] = []
        if self._policy.churn_at == "requested":
            for run, back in runs(self.history, self._is_asked):
                asked = self._calendar.day(run[-1].row.get("canceled_at"))
                ends = [asked] if asked else []
                if is_ended(run[-1].row):
                    ends.append(self._service_end(run[-1]))
                outages.append((min(ends), back))
            return outages
        for run, back in runs(self.history, is_ended):
            end = self._service_end(run[-1])
            if self._policy.churn_at == "paid_period_end":
                end = max([end, *(paid_to for begun, paid_to in paid_periods if begun < end)])
            outages.append((end, back))
        return outages

    def _collection_pauses(self) -> list[Interval]:
        pauses: list[Interval] = []
        versions = self.history.versions
        for position, version in enumerate(versions):
            paused_at = timestamp(version.row.get("collection_paused_at"))
            if paused_at is None:
                continue
            following = versions[position + 1 :]
            if following and timestamp(following[0].row.get("collection_paused_at")) == paused_at:
                continue  # the last version of the run speaks
            end = next(
                (
                    later.since
                    for later in following
                    if timestamp(later.row.get("collection_paused_at")) is None
                ),
                FOREVER,
            )
            resumes = self._calendar.day(version.row.get("collection_resumes_at")) or FOREVER
            start = self._calendar.day(paused_at)
            assert start is not None
            pauses.append((start, min(end, resumes)))
        return pauses

    def _trial_interval(self) -> Interval | None:
        row = self.history.current
        end = self._calendar.day(row.get("trial_end"))
        if end is None:
            return None
        start = self._calendar.day(row.get("trial_start")) or self.start
        return start, end

    def _grace(self) -> list[Interval]:
        """Runs of `past_due` versions, each cut after the days of grace."""
        days = self._policy.past_due_grace_days
        return [
            (run[0].since, end if days is None else min(end, run[0].since + timedelta(days=days)))
            for run, end in runs(self.history, lambda row: row["status"] == "past_due")
        ]

    def in_service(self, day: date) -> bool:
        """Whether the subscription is in service at the end of `day`, paused or not."""
        return day >= self.start and not inside(day, self.outages)

    def state(self, day: date) -> str | None:
        """The state of a day in service; null where out of service or never in it."""
        if not self.in_service(day):
            return None
        version = self.history.at(day)
        status = str(version.row["status"])
        if status in NEVER_STATUSES:
            return "incomplete"
        if inside(day, self.pauses):
            return "paused"
        if status in OWN_DATE_STATUSES and day >= version.since:
            return status
        if self._trial is not None:
            return "trialing" if self._trial[0] <= day < self._trial[1] else "active"
        return "trialing" if status == "trialing" else "active"

    def is_counted(self, day: date) -> bool:
        """Whether the policy counts the subscription on `day`."""
        state = self.state(day)
        if state is None or state == "incomplete":
            return False
        if state == "paused":
            return self._policy.paused == "counted"
        if state not in self._policy.counted_statuses:
            return False
        return state != "past_due" or inside(day, self._grace_ends)

    def breakpoints(self) -> set[date]:
        """Every date on which an answer of this class can change."""
        days = {self.start, *(version.since for version in self.history.versions)}
        for interval in (*self.outages, *self.pauses, *self._grace_ends):
            days.update(interval)
        if self._trial is not None:
            days.update(self._trial)
        return days


def starts_with_subscription(item: Row, subscription: Row, calendar: Calendar) -> bool:
    """Whether an item is as old as its subscription (§3)."""
    created = calendar.day(item.get("created"))
    born = calendar.day(subscription.get("created"))
    return created is None or (born is not None and created <= born)


def latest(moment: datetime | None) -> datetime:
    """A time to order by; null comes first."""
    return moment or datetime.min
