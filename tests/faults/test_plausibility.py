"""Rules that compare with the last release: what is usual passes, what is not is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.rules import Rule
from expectations.suites.marts import mart_rules
from expectations.suites.raw import raw_rules
from expectations.suites.raw_volume import Expected
from orchestration.landing.contract import load_contract

#: Closing MRR of eleven months; the first has no opening.
STEADY = [1000, 1040, 1070, 1130, 1160, 1210, 1240, 1300, 1330, 1390, 1420]
MONTHS = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(24)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'last.duckdb'}' as last_release")
        for catalog in ("last_release", "memory"):
            connection.execute(f"create schema {catalog}.revenue")
            connection.execute(
                f"create table {catalog}.revenue.fct_mrr_by_month (policy_id varchar, month date,"
                " segment_type varchar, segment_value varchar, is_complete boolean,"
                " opening_mrr decimal(18,2), closing_mrr decimal(18,2), opening_customers bigint,"
                " closing_customers bigint)"
            )
        yield connection


Fill = Callable[..., None]


@pytest.fixture
def fill(database: duckdb.DuckDBPyConnection) -> Fill:
    def rows(catalog: str, closings: list[int], customers: int = 100, large: float = 0.5) -> None:
        for n, closing in enumerate(closings):
            opening = closings[n - 1] if n else 0
            for kind, value, part in (
                ("all", "all", 1.0),
                ("plan", "large", large),
                ("plan", "small", 1 - large),
            ):
                database.execute(
                    f"insert into {catalog}.revenue.fct_mrr_by_month values"
                    " ('p', ?, ?, ?, true, ?, ?, ?, ?)",
                    [
                        *(MONTHS[n], kind, value, opening * part, closing * part),
                        *(int(customers * part) if n else 0, int(customers * part)),
                    ],
                )

    return rows


def found(database: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    (rule,) = [
        rule for rule in mart_rules() if (rule.name, rule.table) == (name, "fct_mrr_by_month")
    ]
    assert rule.acceptable
    assert rule.severity == "critical"
    assert rule.query is not None
    return database.execute(rule.query.replace("{batch}", "revenue.fct_mrr_by_month")).fetchall()


@pytest.mark.fault("F08")
@pytest.mark.parametrize(
    ("closing", "is_found"),
    [(1450, False), (1700, False), (1130, False), (600, True), (2900, True), (0, True)],
)
def test_a_new_month_moves_about_as_the_months_before(
    database: duckdb.DuckDBPyConnection, fill: Fill, closing: int, is_found: bool
) -> None:
    fill("last_release", STEADY)
    fill("memory", [*STEADY, closing])
    rows = found(database, "new_months_move_as_usual")
    assert bool(rows) == is_found
    if is_found:
        (policy, month, opening, seen, low, high) = rows[0]
        assert (policy, month, opening, seen) == ("p", MONTHS[11], 1420, closing)
        # The months grew by 2 to 6 percent; a quarter to each side of that is usual.
        assert 1065 < low < 1200
        assert 1775 < high < 1950


def test_a_month_does_not_vouch_for_itself(database: duckdb.DuckDBPyConnection, fill: Fill) -> None:
    """Months that halve and double are usual only once they have been released."""
    wild = [1000, 500, 1000, 480, 1000, 520, 990, 500, 1010, 490, 1000]
    fill("last_release", STEADY[:7])
    # More months are wild than were steady: counted in, they would make themselves usual. The
    # first, back to 1,000, is not yet.
    fill("memory", STEADY[:7] + wild)
    assert len(found(database, "new_months_move_as_usual")) == len(wild) - 1
    database.execute("delete from last_release.revenue.fct_mrr_by_month")
    database.execute("delete from memory.revenue.fct_mrr_by_month")
    fill("last_release", wild)
    fill("memory", [*wild, 500])
    assert found(database, "new_months_move_as_usual") == []


@pytest.mark.parametrize(("months", "customers"), [(5, 100), (11, 49)])
def test_a_young_or_small_company_is_not_judged(
    database: duckdb.DuckDBPyConnection, fill: Fill, months: int, customers: int
) -> None:
    fill("last_release", STEADY[:months], customers)
    fill("memory", [*STEADY[:months], 10], customers)
    assert found(database, "new_months_move_as_usual") == []


@pytest.mark.parametrize(
    ("closing", "is_found"), [(1390, False), (1330, False), (1300, True), (1470, True)]
)
def test_a_past_month_that_moved_holds(
    database: duckdb.DuckDBPyConnection, fill: Fill, closing: int, is_found: bool
) -> None:
    fill("last_release", STEADY)
    fill("memory", [*STEADY[:9], closing, STEADY[10]])
    rows = found(database, "past_months_stay_close")
    assert rows == ([("p", MONTHS[9], 1390, closing)] if is_found else [])


def test_a_past_month_that_is_gone_holds(database: duckdb.DuckDBPyConnection, fill: Fill) -> None:
    fill("last_release", STEADY)
    fill("memory", STEADY[:10])
    assert [row[:3] for row in found(database, "past_months_stay_close")] == [
        ("p", MONTHS[10], 1420)
    ]


@pytest.mark.parametrize(("large", "is_found"), [(0.6, False), (0.3, False), (0.9, True)])
def test_shares_of_a_new_month_stay(
    database: duckdb.DuckDBPyConnection, fill: Fill, large: float, is_found: bool
) -> None:
    fill("last_release", STEADY)
    fill("memory", [*STEADY, 1450], large=0.5)
    part = "case segment_value when 'large' then ? else 1 - ? end * 1450"
    database.execute(
        f"update memory.revenue.fct_mrr_by_month set closing_mrr = {part}"
        " where segment_type = 'plan' and month = ?",
        [large, large, MONTHS[11]],
    )
    rows = found(database, "shares_of_new_months_stay")
    assert [row[3] for row in sorted(rows)] == (["large", "small"] if is_found else [])


# -- raw volume -------------------------------------------------------------------------------

LAST = date(2026, 10, 29)


def volume(as_of: date, last_as_of: date | None = LAST) -> Rule:
    expected = Expected(as_of, (), last_as_of)
    (rule,) = [
        rule
        for rule in raw_rules(load_contract(), expected)
        if (rule.name, rule.table) == ("volume_is_usual", "events")
    ]
    assert rule.acceptable
    return rule


def events(per_day: Callable[[date], int], until: date) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table events (occurred_at timestamp)")
    day = until - timedelta(days=100)
    while day <= until:
        connection.execute(
            "insert into events select cast(? as timestamp) + interval 12 hour from range(?)",
            [day, per_day(day)],
        )
        day += timedelta(days=1)
    return connection


def unusual(connection: duckdb.DuckDBPyConnection, rule: Rule) -> list[tuple[Any, ...]]:
    assert rule.query is not None
    with connection:
        return connection.execute(rule.query.replace("{batch}", "events")).fetchall()


def working_week(day: date) -> int:
    return 100 if day.weekday() < 5 else 60


@pytest.mark.fault("F08", "F20")
def test_the_volume_of_new_days_is_that_of_like_days() -> None:
    friday = LAST + timedelta(days=1)
    assert unusual(events(working_week, friday), volume(friday)) == []
    sunday = LAST + timedelta(days=3)
    assert unusual(events(working_week, sunday), volume(sunday)) == []

    def halved(day: date) -> int:
        return working_week(day) if day <= LAST else 49

    # Fewer than half of a Friday; a weekend of 49 would be usual.
    assert unusual(events(halved, friday), volume(friday)) == [(8, 100, 100, 49)]

    def doubled(day: date) -> int:
        return working_week(day) if day <= LAST else 201

    assert unusual(events(doubled, friday), volume(friday)) == [(8, 100, 100, 201)]

    def nothing(day: date) -> int:
        return working_week(day) if day <= LAST else 0

    assert unusual(events(nothing, sunday), volume(sunday)) == [(8, 220, 220, 0)]


def test_without_a_past_or_a_new_day_no_volume_is_unusual() -> None:
    friday = LAST + timedelta(days=1)
    assert unusual(events(lambda day: 0, friday), volume(friday, None)) == []
    assert unusual(events(lambda day: 0, friday), volume(LAST)) == []
    assert unusual(events(lambda day: 10 * (day <= LAST), friday), volume(friday)) == []
