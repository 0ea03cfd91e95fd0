"""Closed months: which there are, what may be closed or reopened, and the figures as closed.

A close is one decision on one month and all enabled policies. Its figures are copied by the run
that closes (mart `fct_mrr_closed_periods`) and kept in control.db in the transaction that commits
the release: there is never a close without its release. Nothing of it is ever changed or deleted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from orchestration.control import Control, to_text
from orchestration.errors import ClosingError, ConfigurationError, HoldfastError
from orchestration.settings import Settings

#: The money of a customer's month; the last one is the sum of the others.
PARTS = ("opening", "new", "reactivation", "expansion", "contraction", "churn", "fx", "closing")
PART_COLUMNS = tuple(f"{part}_mrr" for part in PARTS)


@dataclass(frozen=True)
class Close:
    """A month as it was closed, and whether that still stands.

    Attributes:
        content_hash: sha256 over the figures (`content_hash` below).
        reopened_at: None while the close is in force.
    """

    close_id: str
    month: date
    closed_at: datetime
    closed_by: str
    release_n: int
    reporting_currency: str
    policies: tuple[str, ...]
    row_count: int
    content_hash: str
    reopened_at: datetime | None
    reopened_by: str | None
    reopen_reason: str | None

    @property
    def is_in_force(self) -> bool:
        """Whether the month is closed by it."""
        return self.reopened_at is None


@dataclass(frozen=True)
class CloseRequest:
    """What a run was asked to close; the id is known before the run, for it decides on nothing."""

    close_id: str
    month: date
    who: str
    requested_at: datetime


def parse_month(text: str) -> date:
    """The first day of a month written as 2026-10.

    Raises:
        ConfigurationError: it is no month.
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip())
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise ConfigurationError(f"MONTH is {text!r}; write a month as 2026-10.")
    return date(int(match[1]), int(match[2]), 1)


def closing_month(text: str, as_of: date) -> date:
    """The month that is meant: 2026-10, or `last` for the last one that is over by the as-of date.

    Raises:
        ConfigurationError: it is no month.
    """
    if text.strip() != "last":
        return parse_month(text)
    running = date.fromordinal(as_of.toordinal() + 1).replace(day=1)
    return date.fromordinal(running.toordinal() - 1).replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_name(month: date) -> str:
    """The month as people write it: October 2026."""
    return f"{month:%B %Y}"


def closes(control: Control, until: datetime | None = None) -> list[Close]:
    """All closes in the order in which they were made, with their reopenings.

    Args:
        control: the control database.
        until: leave out what was decided after this UTC time.
    """
    limit = "9999" if until is None else to_text(until)
    rows = control.connection.execute(
        "select closed.*, reopened.at as reopened_at, reopened.who as reopened_by,"
        " reopened.reason as reopen_reason"
        " from period_events as closed left join period_events as reopened"
        " on reopened.kind = 'reopen' and reopened.close_id = closed.close_id"
        " and reopened.at <= ?"
        " where closed.kind = 'close' and closed.at <= ? order by closed.id",
        (limit, limit),
    )
    return [
        Close(
            close_id=row["close_id"],
            month=date.fromisoformat(row["month"]),
            closed_at=datetime.fromisoformat(row["at"]),
            closed_by=row["who"],
            release_n=row["release_n"],
            reporting_currency=row["reporting_currency"],
            policies=tuple(json.loads(row["policies"])),
            row_count=row["row_count"],
            content_hash=row["content_hash"],
            reopened_at=_moment(row["reopened_at"]),
            reopened_by=row["reopened_by"],
            reopen_reason=row["reopen_reason"],
        )
        for row in rows
    ]


def request_close(control: Control, settings: Settings, month: date, who: str) -> CloseRequest:
    """What a run that is to close the month needs, if the month may be closed.

    Raises:
        ClosingError: the month is not over by the as-of date, or is closed already.
    """
    last_day = date.fromordinal(next_month(month).toordinal() - 1)
    if settings.known_at is not None:
        raise ClosingError(
            "HOLDFAST_KNOWN_AT is set: books are closed on what is known now. Unset it."
        )
    if settings.as_of < last_day:
        raise ClosingError(
            f"{month_name(month)} is not over: the as-of date is {settings.as_of}, the month ends "
            f"on {last_day}. Close it from that day on."
        )
    earlier = [close for close in closes(control) if close.month == month]
    for close in earlier:
        if close.is_in_force:
            raise ClosingError(
                f"{month_name(month)} is closed already ({close.close_id}, by {close.closed_by} at "
                f"{close.closed_at:%Y-%m-%d %H:%M} UTC, release {close.release_n}). What changes "
                "later is in revenue.fct_mrr_restatements; to close it anew, reopen it first: "
                f'make reopen MONTH={month:%Y-%m} REASON="..."'
            )
    return CloseRequest(
        close_id=f"{month:%Y-%m}.{len(earlier) + 1}",
        month=month,
        who=who,
        requested_at=control.now(),
    )


def reopen(control: Control, month: date, reason: str, who: str) -> Close:
    """Take a close out of force. Its figures stay; the audit trail says who and why.

    Returns:
        The close that was reopened.

    Raises:
        ClosingError: no reason is given, or the month is not closed.
    """
    if not reason.strip():
        raise ClosingError(
            "Reopening a closed month needs a reason: make reopen "
            f'MONTH={month:%Y-%m} REASON="what was found, and who agreed"'
        )
    with control.transaction() as connection:
        found = [c for c in closes(control) if c.month == month and c.is_in_force]
        if not found:
            raise ClosingError(f"{month_name(month)} is not closed, so there is nothing to reopen.")
        (close,) = found
        connection.execute(
            "insert into period_events (kind, close_id, month, at, who, reason)"
            " values ('reopen', ?, ?, ?, ?, ?)",
            (
                close.close_id,
                month.isoformat(),
                to_text(control.now()),
                who,
                reason.strip(),
            ),
        )
        control.append_audit(
            who,
            "month reopened",
            {
                "month": f"{month:%Y-%m}",
                "close_id": close.close_id,
                "content_hash": close.content_hash,
                "reason": reason.strip(),
            },
        )
    return close


def check_settings_fit(control: Control, settings: Settings) -> None:
    """Refuse a run whose figures could not be set beside the closed ones.

    Raises:
        ConfigurationError: another reporting currency, or an as-of date before a closed month's
            end.
        HoldfastError: closed figures in control.db are not what was closed.
    """
    for close in closes(control, settings.known_at):
        verify(control, close)
        if not close.is_in_force:
            continue
        if close.reporting_currency != settings.reporting_currency:
            raise ConfigurationError(
                f"HOLDFAST_REPORTING_CURRENCY is {settings.reporting_currency}, but "
                f"{month_name(close.month)} is closed in {close.reporting_currency}. Keep the "
                "currency, or report in another one from another home (HOLDFAST_HOME)."
            )
        last_day = date.fromordinal(next_month(close.month).toordinal() - 1)
        if settings.known_at is None and settings.as_of < last_day:
            raise ConfigurationError(
                f"HOLDFAST_AS_OF is {settings.as_of}, but {month_name(close.month)} is closed: a "
                f"release cannot end before {last_day}. To look back, use make run KNOWN_AT=..."
            )


def verify(control: Control, close: Close) -> None:
    """Compare the closed figures in control.db with the hash that was taken when they were closed.

    Raises:
        HoldfastError: a figure, or a row, is not what it was.
    """
    rows = closed_rows(control, close.close_id)
    if len(rows) != close.row_count or content_hash(rows) != close.content_hash:
        raise HoldfastError(
            f"The figures of {month_name(close.month)} in {control.path} are not those that were "
            f"closed ({close.close_id}, sha256 {close.content_hash[:12]}...). Restore control.db "
            "from a backup."
        )


ClosedRow = tuple[str, str, tuple[int, ...]]


def closed_rows(control: Control, close_id: str) -> list[ClosedRow]:
    """Policy, customer and the cents of each part, as closed."""
    listed = control.connection.execute(
        f"select policy_id, customer_id, {', '.join(PART_COLUMNS)} from closed_rows"
        " where close_id = ? order by policy_id, customer_id",
        (close_id,),
    )
    return [(row[0], row[1], tuple(row[2:])) for row in listed]


def content_hash(rows: Iterable[ClosedRow]) -> str:
    """Sha256 over the figures of a close, as the mart computes it too.

    A line per row, `policy|customer|opening|...|closing` with two decimals, in the order of the
    lines' bytes, joined by line feeds.
    """
    lines = sorted(
        "|".join([policy, customer, *(str(Decimal(cents).scaleb(-2)) for cents in amounts)])
        for policy, customer, amounts in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def record_close(
    control: Control,
    request: CloseRequest,
    rows: Sequence[ClosedRow],
    *,
    settings: Settings,
    release_n: int,
    run_id: str,
    code_version: str,
) -> None:
    """Keep the figures of a close; call it in the transaction that commits its release."""
    hashed = content_hash(rows)
    with control.transaction() as connection:
        connection.execute(
            "insert into period_events (kind, close_id, month, at, who, release_n, run_id, as_of,"
            " reporting_currency, code_version, policies, row_count, content_hash)"
            " values ('close', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.close_id,
                request.month.isoformat(),
                to_text(request.requested_at),
                request.who,
                release_n,
                run_id,
                settings.as_of.isoformat(),
                settings.reporting_currency,
                code_version,
                json.dumps(sorted(settings.enabled_policies)),
                len(rows),
                hashed,
            ),
        )
        connection.executemany(
            f"insert into closed_rows (close_id, policy_id, customer_id, {', '.join(PART_COLUMNS)})"
            f" values ({', '.join('?' * (3 + len(PARTS)))})",
            [(request.close_id, policy, customer, *cents) for policy, customer, cents in rows],
        )
        control.append_audit(
            request.who,
            "month closed",
            {
                "month": f"{request.month:%Y-%m}",
                "close_id": request.close_id,
                "release": release_n,
                "rows": len(rows),
                "content_hash": hashed,
            },
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
