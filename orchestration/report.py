"""What a run tells people: progress, why it was rejected, what was released."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from orchestration.control import Release
from orchestration.machine import hint
from orchestration.results import STAGE_NAMES, Result, tallies
from orchestration.run_log import row_account
from orchestration.settings import Settings
from orchestration.targets.dashboard import current_page
from orchestration.warehouse import has_table, open_for_reading

if TYPE_CHECKING:
    from orchestration.refresh import Outcome

Say = Callable[[str], None]

#: In a log, how far a long step is is said this often.
LOG_EVERY_SECONDS = 30.0
#: How many failed checks a message names; the rest are counted.
NAMED_FAILURES = 10
#: How many rows a warning shows.
WARNED_ROWS = 3


class Progress:
    """Lines of progress with the time since the start, each printed at once.

    On a terminal, passing lines ("model 37 of 244") take turns in the last line. Elsewhere (a log)
    they are lines like others, and of each `LOG_EVERY_SECONDS` only one is printed.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._is_terminal = stream.isatty()
        self._passing = ""
        self._seldom = Seldom(self.say, clock)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._print(f"{self._erased()}{self._stamped(line)}\n")

    def show(self, line: str) -> None:
        """Print a line that the next one takes the place of."""
        if not self._is_terminal:
            self._seldom.show(line)
            return
        erased = self._erased()
        # A line that is broken in two could not be taken back.
        self._passing = self._stamped(line)[: shutil.get_terminal_size().columns - 1]
        self._print(f"{erased}{self._passing}")

    def _stamped(self, line: str) -> str:
        return f"{self._clock() - self._start:6.1f}s  {line}"

    def _erased(self) -> str:
        blanks = len(self._passing)
        self._passing = ""
        return f"\r{' ' * blanks}\r" if blanks else ""

    def _print(self, text: str) -> None:
        print(text, end="", file=self._stream, flush=True)


class Seldom:
    """Passing lines for those who only have lines that stay: one of each `LOG_EVERY_SECONDS`."""

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._said_at = clock()

    def show(self, line: str) -> None:
        """Say the line if none was said for a while."""
        now = self._clock()
        if now - self._said_at >= LOG_EVERY_SECONDS:
            self._said_at = now
            self._say(line)


def readable_path(path: str | Path) -> str:
    """The shorter of the absolute path and the path from the working directory."""
    absolute = Path(path)
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def rejection(
    failed: Sequence[Result], build: Path | None, previous: Release | None, run_id: str = ""
) -> str:
    """Why nothing was released: each failed model and check, where to look, what readers see.

    Where all of them compare with what was, it says how to accept them on purpose.
    """
    count = _count(len(failed), "check or model", "checks and models")
    lines = [f"Nothing was released: {count} failed."]
    for result in failed[:NAMED_FAILURES]:
        lines.append("")
        lines.extend(_failure(result))
    if len(failed) > NAMED_FAILURES:
        lines += ["", f"... and {len(failed) - NAMED_FAILURES} more."]
    lines.append("")
    if build is not None:
        lines.append(f"The rejected build is kept in {readable_path(build)} (open it read-only).")
    lines.append(readers_see(previous))
    if all(result.acceptable for result in failed):
        lines += [
            "If this is as it should be, say so, and run again on the same input:",
            f"  make accept RUN={run_id} REASON='...'",
        ]
    return "\n".join(lines)


def readers_see(previous: Release | None) -> str:
    """What readers have while nothing new is released."""
    if previous is None:
        return "There is no release yet."
    return f"Readers stay on release {previous.n} (as of {previous.as_of})."


def _failure(result: Result) -> list[str]:
    """A failed model or check: which, on what, how many rows, where its SQL is."""
    if result.stage == "model":
        lines = [f"Model {result.subject} could not be built: {result.message}"]
    elif result.stage in ("test", "unit_test"):
        kind = "Test" if result.stage == "test" else "Unit test"
        rows = f" {_count(result.failures, 'row', 'rows')} failed." if result.failures else ""
        lines = [f"{kind} {result.name} on {result.subject}:{rows} {result.message}"]
    elif result.stage == "invariant":
        lines = [f"Invariant {result.name} of {result.subject}: {result.message}"]
    else:
        lines = [
            f"Expectation {result.name} of the {result.stage} suite on {result.subject}: "
            f"{result.message}"
        ]
    if result.stage == "test" and (meant := _head_comment(Path(result.look_at))):
        lines.append(f"  {meant}")
    if result.look_at:
        lines.append(f"  SQL: {readable_path(result.look_at)}")
    remedy = hint(result.message)
    if remedy:
        lines.append(f"  {remedy}")
    lines.extend(f"  {example}" for example in result.examples)
    return lines


def _head_comment(sql: Path) -> str:
    """What a test says of itself at its head: why it holds a run, and what to do about it."""
    if not sql.is_file():
        return ""
    comment = takewhile(
        lambda line: line.startswith("--"), sql.read_text(encoding="utf-8").strip().splitlines()
    )
    return " ".join(line.removeprefix("--").strip() for line in comment)


def _count(number: int | None, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def check_lines(results: Sequence[Result]) -> list[str]:
    """A line on all checks, and one for each warning."""
    parts = [
        f"{tally.run} {STAGE_NAMES[tally.stage]}"
        + (f" ({_count(tally.warned, 'warning', 'warnings')})" if tally.warned else "")
        for tally in tallies(results)
        if tally.run
    ]
    warnings = [row for row in results if row.warns]
    return [
        f"Checks: {', '.join(parts) or 'none'}; none of them blocking failed.",
        *(line for row in warnings[:NAMED_FAILURES] for line in _warning(row)),
        *(
            [f"  ... and {len(warnings) - NAMED_FAILURES} more warnings."]
            if len(warnings) > NAMED_FAILURES
            else []
        ),
    ]


def _warning(result: Result) -> list[str]:
    """A warning, and some of the rows that it is about."""
    return [
        f"  warning: {result.subject}: {result.message}",
        *(f"    {example}" for example in result.examples[:WARNED_ROWS]),
    ]


def summary(outcome: Outcome, settings: Settings) -> list[str]:
    """The last lines of a run: what was released, from what, checked how, and where to look."""
    release = outcome.release
    if outcome.as_known is not None:
        return [
            f"As known at {settings.known_at} UTC, as of {settings.as_of}: a look back.",
            *check_lines(outcome.results),
            f"  file       {readable_path(outcome.as_known)} (DuckDB, open it read-only)",
            readers_see(release),
        ]
    assert release is not None
    if not outcome.is_new:
        return [
            f"Nothing changed since release {release.n} (as of {release.as_of}): "
            "same files, same code, same settings.",
            f"  warehouse  {readable_path(settings.warehouse_link)}",
            *_postgres(outcome, release),
        ]
    return [
        f"Release {release.n}, as of {release.as_of}.",
        *_rows(outcome, settings),
        *check_lines(outcome.results),
        *headline(settings),
        *outcome.notices,
        "Where to look:",
        f"  warehouse  {readable_path(settings.warehouse_link)} (DuckDB, open it read-only)",
        *_dashboard(settings),
        *_postgres(outcome, release),
        f"  checks     {readable_path(settings.home / 'data_docs' / 'index.html')}",
        "  lineage    make dev",
    ]


def _dashboard(settings: Settings) -> list[str]:
    """Where the pages are, where there are any."""
    page = current_page(settings)
    is_there = settings.with_dashboard and page.exists()
    return [f"  dashboard  {readable_path(page)} (make dashboard)"] if is_there else []


def _postgres(outcome: Outcome, release: Release) -> list[str]:
    """How far the database of BI tools is, where there is one."""
    return [f"  postgres   {outcome.postgres.line(release.n)}"] if outcome.postgres else []


def _rows(outcome: Outcome, settings: Settings) -> list[str]:
    """The account of all landed rows, and what is in quarantine by file and rule."""
    with open_for_reading(settings.warehouse_link) as connection:
        rows = row_account(connection)
        set_aside = connection.execute(
            "select file, rule, state, count(*) from quality.quarantine group by all order by all"
        ).fetchall()
    waiting = sum(count for _, _, state, count in set_aside if state == "open")
    lines = [
        f"Rows: {rows.received:,} received = {rows.accepted:,} accepted + {rows.superseded:,} "
        f"superseded + {rows.quarantined:,} quarantined, from"
        f" {_count(len(outcome.gate.accepted), 'file', 'files')}."
    ]
    lines += [
        f"  quarantine: {file}: {count:,} {rule} ({state})"
        for file, rule, state, count in set_aside[:NAMED_FAILURES]
    ]
    if set_aside[NAMED_FAILURES:]:
        lines.append(f"  ... and {len(set_aside) - NAMED_FAILURES} more files and rules.")
    return [*lines, f"  {waiting:,} of them wait: make quarantine"] if waiting else lines


@dataclass(frozen=True)
class MonthFigures:
    """MRR and customers of a month, official policy; money in the reporting currency."""

    month: date
    mrr: Decimal
    customers: int
    net_new_mrr: Decimal


def last_complete_month(settings: Settings) -> MonthFigures | None:
    """The last complete month of the current release by the official policy; None without one."""
    with open_for_reading(settings.warehouse_link) as connection:
        if not has_table(connection, "revenue", "fct_mrr_by_month"):
            return None
        rows = connection.execute(
            "select month, closing_mrr, closing_customers, net_new_mrr"
            " from revenue.fct_mrr_by_month"
            " where policy_id = ? and segment_type = 'all' and is_complete"
            " order by month desc limit 1",
            [settings.official_policy],
        ).fetchall()
    return MonthFigures(*rows[0]) if rows else None


def headline(settings: Settings) -> list[str]:
    """MRR and customers of the last complete month by the official policy; empty without one."""
    figures = last_complete_month(settings)
    if figures is None:
        return []
    return [
        f"{figures.month:%B %Y}: MRR {figures.mrr:,.2f} {settings.reporting_currency} of"
        f" {figures.customers:,} customers, {figures.net_new_mrr:+,.2f} in the month"
        f" (policy {settings.official_policy})."
    ]
