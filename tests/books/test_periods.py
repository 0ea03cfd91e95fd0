"""What may be closed and reopened, when, and what people are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import close_schedule, is_closing_day
from orchestration.books.periods import (
    check_settings_fit,
    closes,
    closing_month,
    content_hash,
    parse_month,
    record_close,
    reopen,
    request_close,
)
from orchestration.books.restated import Restated, notice, notice_lines
from orchestration.books.tables import Definitions
from orchestration.control import Control
from orchestration.errors import ClosingError, ConfigurationError
from orchestration.settings import Settings, load_settings
from tests.orchestration.test_cli import run_cli

OCTOBER = date(2026, 10, 1)
ROWS = [("board_strict", "b", (0, 500, 0, 0, 0, 0, 0, 500))]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"HOLDFAST_HOME": str(tmp_path), "HOLDFAST_AS_OF": "2026-10-31"})


@pytest.fixture
def control(settings: Settings) -> Iterator[Control]:
    with Control(settings.control_database, clock=lambda: datetime(2026, 11, 6, 7)) as control:
        control.start_run("r1", settings.as_of, "code")
        control.connection.execute(
            "insert into releases values"
            " (1, 'r1', 'f', 's', 1, '2026-11-06 07:00:00', '2026-10-31')"
        )
        yield control


def close(control: Control, settings: Settings, month: date = OCTOBER) -> None:
    record_close(
        control,
        request_close(control, settings, month, "ada"),
        ROWS,
        settings=settings,
        release_n=1,
        run_id="r1",
        code_version="code",
    )


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "October", "", "2026-10-01", "0000-01"])
def test_a_month_is_written_with_year_and_number(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write a month as 2026-10"):
        parse_month(text)


@pytest.mark.parametrize(
    ("as_of", "month"),
    [
        (date(2026, 10, 31), OCTOBER),
        (date(2026, 11, 5), OCTOBER),
        (date(2026, 10, 30), date(2026, 9, 1)),
        (date(2026, 1, 1), date(2025, 12, 1)),
    ],
)
def test_the_last_month_is_the_last_one_that_is_over(as_of: date, month: date) -> None:
    assert closing_month("last", as_of) == month


def test_a_month_that_is_not_over_cannot_be_closed(control: Control, settings: Settings) -> None:
    for day in (date(2026, 10, 30), date(2026, 9, 30)):
        with pytest.raises(ClosingError, match="October 2026 is not over"):
            request_close(control, replace(settings, as_of=day), OCTOBER, "ada")
    with pytest.raises(ClosingError, match="KNOWN_AT is set"):
        request_close(control, replace(settings, known_at=datetime(2026, 11, 1)), OCTOBER, "ada")


def test_a_closed_month_is_closed_until_it_is_reopened(
    control: Control, settings: Settings
) -> None:
    close(control, settings)
    with pytest.raises(ClosingError, match=r"closed already \(2026-10.1, by ada at 2026-11-06 07"):
        request_close(control, settings, OCTOBER, "bo")
    reopen(control, OCTOBER, "a batch was found", "bo")
    with pytest.raises(ClosingError, match="nothing to reopen"):
        reopen(control, OCTOBER, "again", "bo")
    close(control, settings)
    first, second = closes(control)
    assert (first.close_id, first.is_in_force, first.reopen_reason) == (
        "2026-10.1",
        False,
        "a batch was found",
    )
    assert (second.close_id, second.is_in_force) == ("2026-10.2", True)
    assert [(entry.who, entry.what) for entry in control.audit_trail()] == [
        ("ada", "month closed"),
        ("bo", "month reopened"),
        ("ada", "month closed"),
    ]


@pytest.mark.parametrize("reason", ["", "  "])
def test_reopening_needs_a_reason(control: Control, settings: Settings, reason: str) -> None:
    close(control, settings)
    with pytest.raises(ClosingError, match="needs a reason"):
        reopen(control, OCTOBER, reason, "bo")
    assert closes(control)[0].is_in_force


def test_what_was_decided_cannot_be_changed(control: Control, settings: Settings) -> None:
    close(control, settings)
    for table in ("period_events", "closed_rows"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            control.connection.execute(f"delete from {table}")


def test_a_run_that_could_not_be_compared_is_refused(control: Control, settings: Settings) -> None:
    close(control, settings)
    check_settings_fit(control, settings)
    with pytest.raises(ConfigurationError, match="is closed in USD"):
        check_settings_fit(control, replace(settings, reporting_currency="EUR"))
    with pytest.raises(ConfigurationError, match="cannot end before 2026-10-31"):
        check_settings_fit(control, replace(settings, as_of=date(2026, 10, 30)))
    reopen(control, OCTOBER, "moved to EUR", "bo")
    check_settings_fit(control, replace(settings, reporting_currency="EUR"))


def test_the_hash_is_that_of_the_lines_in_the_order_of_their_bytes() -> None:
    # The two lines `a|x|0.00|-0.05|...|12.30` and `b|Z|0.00|...` through sha256sum.
    rows = [("b", "Z", (0,) * 8), ("a", "x", (0, -5, 0, 0, 0, 0, 0, 1230))]
    # pragma: allowlist nextline secret
    expected = "fe417f390155b6afdd43b474e0685fc6ed653fe7617f5da7c668dfdf9dbf82f8"
    assert content_hash(rows) == content_hash(rows[::-1]) == expected


def test_a_definition_is_a_policy_or_a_setting() -> None:
    before = Definitions("{}", '{"a": "1", "b": "1"}')
    assert Definitions("{}", '{"a": "1", "b": "2"}').changed_policies(before) == ["b"]
    assert Definitions("{}", '{"a": "1", "c": "1"}').changed_policies(before) == ["c"]
    assert Definitions('{"z": 1}', '{"a": "1"}').changed_policies(before) == ["a"]
    assert before.changed_policies(None) == []


def test_a_notice_says_what_a_release_restates(settings: Settings) -> None:
    rows = [
        Restated("2026-10.1", "board_strict", key, OCTOBER, (0,) * 7 + (cents,), cause, (source,))
        for key, cents, cause, source in [
            ("a", -100050, "late_row", "billing.subscriptions/s1"),
            ("b", 50, "late_row", "billing.subscriptions/s2"),
            ("c", 700, "rate_change", "finance.fx_rates/EUR/2026-10-31"),
        ]
    ]
    assert notice([], 3, settings) is None
    message = notice(rows, 3, settings)
    assert message is not None
    assert (message.key, message.kind) == ("restatement_notice/3", "restatement_notice")
    assert '"difference": "-1000.00"' in message.payload
    assert notice_lines(rows, settings)[1:] == [
        "  2026-10 board_strict: -1,000.00 USD closing MRR, late_row, 2 customers",
        "  2026-10 board_strict: +7.00 USD closing MRR, rate_change, 1 customer",
    ]


@pytest.mark.parametrize(
    ("day", "business_day", "expected"),
    [
        # November 2026 begins on a Sunday; 2 to 6 are Monday to Friday.
        (date(2026, 11, 6), 5, True),
        (date(2026, 11, 5), 5, False),
        (date(2026, 11, 9), 5, False),
        (date(2026, 11, 2), 1, True),
        (date(2026, 11, 1), 1, False),
        # New Year's Day is a Friday and a holiday, so business day 1 is Monday 4 January.
        (date(2027, 1, 4), 1, True),
        (date(2027, 1, 1), 1, False),
    ],
)
def test_business_days(day: date, business_day: int, expected: bool) -> None:
    assert is_closing_day(day, business_day, [date(2027, 1, 1)]) is expected


def test_the_schedule_closes_the_month_before_once(settings: Settings) -> None:
    schedule = close_schedule(settings)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 6, 7))
    asked = schedule(context)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == "2026-10"
    assert asked.run_config["resources"]["run"]["config"]["close_month"] == "2026-10"
    later = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 9, 7))
    assert isinstance(schedule(later), dg.SkipReason)


def test_the_command_line_says_why_not(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "close", "--month", "2026-11")
    assert (done.returncode, "November 2026 is not over" in done.stderr) == (6, True)
    assert run_cli(tmp_path, "close", "--month", "soon").returncode == 2
    done = run_cli(tmp_path, "reopen", "--month", "2026-10", "--reason", "x")
    assert (done.returncode, "not closed" in done.stderr) == (6, True)
    assert "Traceback" not in done.stderr
