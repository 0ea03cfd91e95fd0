"""control.db: runs, the audit trail, migrations, and what may never be changed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from orchestration.control import Control
from orchestration.errors import HoldfastError
from tests.release.conftest import Home

DAY = date(2026, 10, 31)


def test_the_file_survives_a_power_cut(home: Home) -> None:
    pragma = home.control.connection.execute
    assert pragma("pragma journal_mode").fetchone()[0] == "wal"
    assert pragma("pragma synchronous").fetchone()[0] == 2
    assert pragma("pragma foreign_keys").fetchone()[0] == 1


def test_times_come_from_the_clock_and_are_utc(tmp_path: Path) -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    with Control(tmp_path / "c.db", lambda: datetime(2026, 1, 1, 2, tzinfo=kolkata)) as control:
        control.start_run("r", DAY, "code")
        (run,) = control.runs()
    assert run.started_at == datetime(2025, 12, 31, 20, 30)


def test_a_run_is_recorded_from_start_to_end(home: Home) -> None:
    home.control.start_run("a", DAY, "code 1")
    assert home.control.runs()[0].state == "running"
    home.control.finish_run("a", "failed", checks_passed=7, checks_failed=1, message="1 failed")
    home.control.finish_run("a", "failed", fingerprint="f")
    (run,) = home.control.runs()
    assert (run.state, run.as_of, run.code_version, run.fingerprint) == (
        "failed",
        DAY,
        "code 1",
        "f",
    )
    assert (run.checks_passed, run.checks_failed, run.message) == (7, 1, "1 failed")
    assert run.finished_at is not None
    assert run.finished_at > run.started_at


def test_a_run_that_never_ended_is_interrupted_when_the_next_starts(home: Home) -> None:
    home.control.start_run("a", DAY, "code")
    home.control.start_run("b", DAY, "code")
    assert [(run.run_id, run.state) for run in home.control.runs()] == [
        ("a", "interrupted"),
        ("b", "running"),
    ]


def test_a_run_that_is_not_there_cannot_end(home: Home) -> None:
    with pytest.raises(HoldfastError, match="no run 'x'"):
        home.control.finish_run("x", "failed")


def test_a_transaction_is_all_or_nothing(home: Home) -> None:
    def half() -> None:
        with home.control.transaction():
            home.control.start_run("a", DAY, "code")
            home.control.append_audit("me", "did", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert home.control.runs() == []
    assert home.control.audit_trail() == []


def test_s14_the_audit_trail_is_append_only(home: Home) -> None:
    home.control.append_audit("ann", "erased", {"customer": "c1", "reason": "ü"})
    for statement in ("update audit set who = 'bob'", "delete from audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            home.control.connection.execute(statement)
    (entry,) = home.control.audit_trail()
    assert (entry.who, entry.what, entry.details) == (
        "ann",
        "erased",
        {"customer": "c1", "reason": "ü"},
    )


@pytest.mark.parametrize(
    "tampering",
    [
        "update audit set who = 'bob' where id = 2",
        "update audit set details = '{}' where id = 1",
        "update audit set at = '2020-01-01 00:00:00.000000' where id = 3",
        "delete from audit where id = 2",
        "delete from audit where id = 1",
    ],
)
def test_s14_tampering_with_the_audit_trail_is_seen(home: Home, tampering: str) -> None:
    for n in range(3):
        home.control.append_audit("ann", "did", {"n": n})
    assert len(home.control.audit_trail()) == 3
    home.control.connection.execute("drop trigger audit_is_not_updated")
    home.control.connection.execute("drop trigger audit_is_not_deleted")
    home.control.connection.execute(tampering)
    with pytest.raises(HoldfastError, match="tampered"):
        home.control.audit_trail()


@pytest.mark.fault("I20")
def test_releases_are_consecutive_and_immutable(home: Home) -> None:
    home.release("a", 1)
    for statement in (
        "update releases set sha256 = 'x'",
        "delete from releases",
        "insert into releases select n + 2, run_id, '', '', 0, '', '' from releases",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            home.control.connection.execute(statement)


def test_rows_are_accounted_for_by_the_schema(home: Home) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        home.control.connection.execute(
            "insert into files values ('s','t','h','c','csv','accepted',null,null,null,"
            " 3, 1, 1, null, '[]', '[]', '', '', '', '{}', 0)"
        )


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    Control(path).close()
    Control(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(HoldfastError, match="newer version"):
        Control(path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(b"x" * 4096)
    with pytest.raises(HoldfastError, match=r"control\.db cannot be used"):
        Control(path)


def test_f84_releases_are_ordered_by_number_not_by_time(tmp_path: Path) -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=n) for n in range(9)]
    with Control(tmp_path / "c.db", iter(times).__next__) as control:
        for n in (1, 2):
            control.start_run(f"r{n}", DAY, "code")
            control.connection.execute(
                "insert into releases values (?, ?, 'f', 's', 1, ?, '2026-01-01')",
                (n, f"r{n}", control.now().isoformat(sep=" ")),
            )
        first, second = control.releases()
        assert first.published_at > second.published_at
        assert control.latest_release() == second
