"""Rules of the customer-success marts against the last release: a source that stopped is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.suites.customer_success import customer_success_rules

BEFORE = date(2026, 10, 30)
TODAY = date(2026, 10, 31)
TABLES = (
    "create table {catalog}.core.dim_customers (customer_id varchar, current_mrr decimal(18, 2))",
    "create table {catalog}.customer_success.fct_customer_signals"
    " (account_id varchar, signal varchar, as_of_date date, is_latest boolean)",
    "create table {catalog}.customer_success.fct_trigger_events"
    " (account_id varchar, trigger_key varchar, fired_date date)",
    "create table {catalog}.customer_success.fct_health_scores (account_id varchar,"
    " as_of_date date, is_latest boolean, score decimal(9, 4), coverage decimal(9, 6),"
    " health_version_id varchar)",
    "create table {catalog}.customer_success.fct_action_queue (action_id varchar,"
    " customer_id varchar, state varchar, mrr_at_stake decimal(18, 4))",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'last.duckdb'}' as last_release")
        for catalog in ("last_release", "memory"):
            for schema in ("core", "customer_success"):
                connection.execute(f"create schema {catalog}.{schema}")
            for table in TABLES:
                connection.execute(table.format(catalog=catalog))
        yield connection


def insert(
    database: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]], *, last: bool
) -> None:
    places = ", ".join("?" * len(rows[0]))
    catalog = "last_release" if last else "memory"
    database.executemany(f"insert into {catalog}.{table} values ({places})", rows)


def found(database: duckdb.DuckDBPyConnection, name: str, *, holds: bool) -> list[tuple[Any, ...]]:
    (rule,) = [rule for rule in customer_success_rules() if rule.name == name]
    assert (rule.acceptable, rule.severity) == (holds, "critical" if holds else "warning")
    assert rule.query is not None
    # As Great Expectations puts it: the table is a query.
    batch = f"(select * from {rule.subject})"
    return database.execute(rule.query.replace("{batch}", batch)).fetchall()


def signals(count: int, day: date) -> list[tuple[Any, ...]]:
    return [(f"a{n}", "active_days_28d", day, True) for n in range(count)]


@pytest.mark.parametrize(
    ("before", "now", "is_found"),
    [(60, 60, False), (60, 30, False), (60, 29, True), (49, 1, False)],
)
def test_a_signal_that_most_accounts_lost_is_shown(
    database: duckdb.DuckDBPyConnection, before: int, now: int, is_found: bool
) -> None:
    table = "customer_success.fct_customer_signals"
    insert(database, table, signals(before, BEFORE), last=True)
    insert(database, table, signals(now, TODAY), last=False)
    rows = found(database, "signals_keep_their_accounts", holds=False)
    assert rows == ([("active_days_28d", before, now)] if is_found else [])


def test_a_signal_that_is_gone_altogether_is_shown(database: duckdb.DuckDBPyConnection) -> None:
    insert(database, "customer_success.fct_customer_signals", signals(60, BEFORE), last=True)
    assert found(database, "signals_keep_their_accounts", holds=False) == [
        ("active_days_28d", 60, 0)
    ]


@pytest.mark.parametrize(("missing", "is_found"), [(0, False), (10, False), (11, True)])
def test_past_firings_that_vanish_hold(
    database: duckdb.DuckDBPyConnection, missing: int, is_found: bool
) -> None:
    table = "customer_success.fct_trigger_events"
    rows = [(f"a{n}", "no_login_30d", BEFORE - timedelta(days=n)) for n in range(100)]
    # A trigger that was taken out of the seed is no reason to hold.
    insert(database, table, [*rows, *[(a, "dropped", day) for a, _, day in rows]], last=True)
    insert(database, table, rows[missing:], last=False)
    assert found(database, "past_firings_stay", holds=True) == (
        [("no_login_30d", 100, 100 - missing)] if is_found else []
    )


@pytest.mark.parametrize(
    ("fired", "day", "is_found"), [(30, TODAY, False), (31, TODAY, True), (60, BEFORE, False)]
)
def test_a_trigger_that_fires_for_most_accounts_at_once_is_shown(
    database: duckdb.DuckDBPyConnection, fired: int, day: date, is_found: bool
) -> None:
    insert(database, "customer_success.fct_customer_signals", signals(60, BEFORE), last=True)
    insert(database, "customer_success.fct_customer_signals", signals(60, TODAY), last=False)
    rows = [(f"a{n}", "silent_45d", day) for n in range(fired)]
    insert(database, "customer_success.fct_trigger_events", rows, last=False)
    assert found(database, "no_trigger_fires_for_most", holds=False) == (
        [("silent_45d", fired, 60)] if is_found else []
    )


def scores(score: str, coverage: str, day: date, version: str = "v1") -> list[tuple[Any, ...]]:
    return [(f"a{n}", day, True, score, coverage, version) for n in range(60)]


@pytest.mark.parametrize(
    ("now", "slow", "covered"),
    [
        (scores("70", "0.9", TODAY), True, True),
        (scores("69.9", "0.65", TODAY), False, True),
        (scores("85", "0.64", TODAY), True, False),
        # Other weights are another score.
        (scores("20", "0.1", TODAY, "v2"), True, True),
    ],
)
def test_health_that_leaps_or_loses_its_data_is_shown(
    database: duckdb.DuckDBPyConnection, now: list[tuple[Any, ...]], slow: bool, covered: bool
) -> None:
    table = "customer_success.fct_health_scores"
    insert(database, table, scores("80", "0.9", BEFORE), last=True)
    insert(database, table, now, last=False)
    assert (found(database, "health_moves_slowly", holds=False) == []) == slow
    assert (found(database, "components_keep_their_data", holds=False) == []) == covered


def test_a_published_score_that_changes_holds(database: duckdb.DuckDBPyConnection) -> None:
    table = "customer_success.fct_health_scores"
    past = BEFORE - timedelta(days=30)
    old = [("a", past, False, "80", "1", "v1"), ("b", past, False, "60", "1", "v1")]
    insert(database, table, [*old, ("a", BEFORE, True, "81", "1", "v1")], last=True)
    # The day of the last release itself may be renewed, and is not there on a later day.
    insert(database, table, [*old, ("a", TODAY, True, "20", "1", "v1")], last=False)
    assert found(database, "published_scores_stay", holds=True) == []
    database.execute(f"update memory.{table} set score = 79 where score = 80")
    database.execute(f"delete from memory.{table} where account_id = 'b'")
    rows = found(database, "published_scores_stay", holds=True)
    assert sorted((row[0], row[3]) for row in rows) == [("a", 79), ("b", None)]


@pytest.mark.parametrize(
    ("before", "now", "is_found"), [(40, 90, False), (40, 121, True), (0, 51, True), (0, 50, False)]
)
def test_a_queue_that_floods_is_shown(
    database: duckdb.DuckDBPyConnection, before: int, now: int, is_found: bool
) -> None:
    table = "customer_success.fct_action_queue"
    for count, last in ((before, True), (now, False)):
        if count:
            rows = [(f"x{n}", "c", "open", "1") for n in range(count)]
            insert(database, table, rows, last=last)
    assert bool(found(database, "queue_does_not_flood", holds=False)) == is_found


@pytest.mark.parametrize(("open_again", "is_found"), [(5, False), (6, True)])
def test_outcomes_that_vanish_hold(
    database: duckdb.DuckDBPyConnection, open_again: int, is_found: bool
) -> None:
    table = "customer_success.fct_action_queue"
    insert(database, table, [(f"x{n}", "c", "resolved", "1") for n in range(100)], last=True)
    rows = [(f"x{n}", "c", "open" if n < open_again else "resolved", "1") for n in range(100)]
    insert(database, table, rows, last=False)
    assert found(database, "outcomes_stay", holds=True) == (
        [(100, 100 - open_again)] if is_found else []
    )


@pytest.mark.parametrize(("mrr", "is_found"), [("100.00", False), ("99.99", True)])
def test_no_more_is_at_stake_than_there_is(
    database: duckdb.DuckDBPyConnection, mrr: str, is_found: bool
) -> None:
    insert(database, "core.dim_customers", [("c", mrr)], last=False)
    # Two steps of one customer put its MRR at stake once.
    rows = [("x1", "c", "open", "100"), ("x2", "c", "open", "100"), ("x3", "d", "expired", "7")]
    insert(database, "customer_success.fct_action_queue", rows, last=False)
    (rule,) = [
        rule
        for rule in customer_success_rules()
        if rule.name == "no_more_is_at_stake_than_there_is"
    ]
    assert (rule.severity, rule.acceptable) == ("critical", False)
    assert rule.query is not None
    query = rule.query.replace("{batch}", f"(select * from {rule.subject})")
    assert bool(database.execute(query).fetchall()) == is_found
