"""Local dates, months and intervals (mrr_rules §0)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = date(1970, 1, 1)
ONE_DAY = timedelta(days=1)
FOREVER = date.max


def timestamp(value: Any) -> datetime | None:
    """A UTC time as a naive datetime; null for null and for the sentinels of §0.

    Takes datetimes (naive ones are UTC), dates and ISO 8601 text.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    if value.date() <= EPOCH or value.year >= 9999:
        return None
    moment: datetime = value
    return moment


@lru_cache(maxsize=200_000)
def _date_in(zone: str, moment: datetime) -> date:
    if zone == "UTC":
        return moment.date()
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


class Calendar:
    """The reporting time zone: turns times into the local dates that every rule works on."""

    def __init__(self, zone: str) -> None:
        self.zone = zone

    def day(self, value: Any) -> date | None:
        """The local date of a UTC time; null where the time is null or a sentinel."""
        moment = timestamp(value)
        return None if moment is None else _date_in(self.zone, moment)


def plain_date(value: Any) -> date:
    """A date-typed column, taken as it is."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value)


def add_months(day: date, months: int) -> date:
    """`months` later (or earlier), clamped to the last day of the month; anchors never drift."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_interval(day: date, interval: str | None, count: int) -> date:
    """`count` intervals (`day`, `week`, `month`, `year`) after `day`; negative counts go back."""
    if interval == "day":
        return day + timedelta(days=count)
    if interval == "week":
        return day + timedelta(weeks=count)
    if interval == "year":
        return add_months(day, 12 * count)
    return add_months(day, count)


def month_start(day: date) -> date:
    """The first day of the month of `day`."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_between(first: date, last: date) -> Iterator[date]:
    """The first days of all months from that of `first` to that of `last`, both included."""
    month = month_start(first)
    while month <= last:
        yield month
        month = add_months(month, 1)
