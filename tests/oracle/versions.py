"""Rows are versions of keys: which one is in force on a day (mrr_rules §1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.oracle.calendar import Calendar, timestamp
from tests.oracle.contract import COLUMNS, TIMES

Row = Mapping[str, Any]
RawTables = Mapping[str, Iterable[Row]]
"""Raw rows by `source.table`, for example `billing.subscriptions`."""

_EPOCH_TIME = datetime(1970, 1, 1)


def content(table: str, row: Row) -> tuple[tuple[bool, Any], ...]:
    """What breaks a tie of `updated_at`: the other columns in contract order, null lowest."""

    def comparable(column: str) -> tuple[bool, Any]:
        value = row.get(column)
        if column in TIMES:
            value = timestamp(value)
        elif column == "deleted":
            value = bool(value)
        elif column == "currency" and value is not None:
            value = str(value).upper()
        return (False, 0) if value is None else (True, value)

    return tuple(comparable(column) for column in COLUMNS[table])


@dataclass(frozen=True)
class Settings:
    """What a run depends on besides rows and policy.

    Args:
        as_of: last day that counts.
        zone: IANA time zone that cuts days.
        currency: reporting currency, ISO 4217.
        fx_max_age_days: greatest age of an exchange rate in days.
    """

    as_of: date
    zone: str = "UTC"
    currency: str = "USD"
    fx_max_age_days: int = 7

    @property
    def calendar(self) -> Calendar:
        """The reporting calendar."""
        return Calendar(self.zone)


@dataclass(frozen=True)
class Version:
    """One version: `row` holds from the local date `since` until the next version."""

    since: date
    row: Row


class History:
    """The versions of one key, in order, at most one per local date."""

    def __init__(self, versions: list[Version]) -> None:
        self.versions = versions
        self._dates = [version.since for version in versions]

    @property
    def current(self) -> Row:
        """The last version."""
        return self.versions[-1].row

    @property
    def first_date(self) -> date:
        """The local date of the first version; that version also speaks for the time before."""
        return self._dates[0]

    def index(self, day: date) -> int:
        """Position of the version in force on `day`."""
        return max(0, bisect_right(self._dates, day) - 1)

    def at(self, day: date) -> Version:
        """The version in force on `day`."""
        return self.versions[self.index(day)]


def histories(
    table: str, rows: Iterable[Row], settings: Settings, born: str | None = "created"
) -> dict[str, History]:
    """The history of each key, of the versions dated up to `as_of`.

    Args:
        table: `source.table`, a table with `updated_at`.
        rows: all its raw rows, in any order.
        settings: as-of date and zone.
        born: the column that dates a version without `updated_at`.
    """
    calendar = settings.calendar
    dated: dict[str, list[tuple[datetime, date, Row]]] = {}
    for row in rows:
        moment = timestamp(row.get("updated_at"))
        if moment is None and born is not None:
            moment = timestamp(row.get(born))
        since = calendar.day(moment) if moment is not None else _EPOCH_TIME.date()
        assert since is not None
        if since <= settings.as_of:
            dated.setdefault(str(row["id"]), []).append((moment or _EPOCH_TIME, since, row))
    result: dict[str, History] = {}
    for identity, entries in dated.items():
        if len(entries) > 1:
            entries.sort(key=lambda entry: (entry[0], content(table, entry[2])))
        last_of_day = {since: Version(since, row) for _, since, row in entries}
        result[identity] = History([last_of_day[since] for since in sorted(last_of_day)])
    return result
