"""The suites themselves: what they name exists, and critical is what must block."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from expectations.rules import Rule, by_table
from expectations.suites.marts import mart_rules
from expectations.suites.raw import DECIDING_COLUMNS, RANGES, raw_rules
from expectations.suites.raw_rows import ORDERED_DATES, REFERENCES
from expectations.suites.raw_volume import FRESHNESS_DAYS, Expected
from orchestration.landing.contract import load_contract

CONTRACT = load_contract()


def of_table(rules: list[Rule], schema: str, table: str) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules if (rule.schema, rule.table) == (schema, table)}


def test_names_are_unique_within_a_table() -> None:
    for rules in (raw_rules(CONTRACT), mart_rules()):
        names = Counter((rule.subject, rule.name) for rule in rules)
        assert [name for name, count in names.items() if count > 1] == []


def test_two_rules_of_one_name_are_refused() -> None:
    rule = mart_rules()[0]
    with pytest.raises(ValueError, match=rule.name):
        by_table([rule, rule])


def test_every_table_of_the_contract_has_its_rules() -> None:
    tables = {(rule.schema, rule.table) for rule in raw_rules(CONTRACT)}
    assert tables == {(CONTRACT.schema_of(table), table.name) for table in CONTRACT.tables}


def test_keys_and_required_columns_block_when_they_are_null() -> None:
    rules = of_table(raw_rules(CONTRACT), "raw_billing", "subscriptions")
    for column in ("id", "customer_id", "status", "start_date", "created"):
        assert rules[f"{column}_is_filled"].severity == "critical"
    assert "trial_start_is_filled" not in rules


def test_values_that_decide_about_money_block_and_others_warn() -> None:
    rules = of_table(raw_rules(CONTRACT), "raw_billing", "subscriptions")
    assert rules["status_is_known"].severity == "critical"
    assert "past_due" in rules["status_is_known"].values
    assert rules["cancellation_feedback_is_known"].severity == "warning"
    prices = of_table(raw_rules(CONTRACT), "raw_billing", "prices")
    assert prices["interval_is_known"].severity == "critical"


@pytest.mark.fault("F31")
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["'p', 'a', t1", "'p', 'b', t2"], 0),  # two versions
        (["'p', 'a', t1", "'p', 'a', t1"], 0),  # one row twice
        (["'p', 'a', t1", "'p', 'b', t1"], 1),
        (["'p', 'a', null::timestamp", "'p', 'b', null::timestamp"], 1),
        (["'p', 'a', t1", "'p', 'a', t1", "'p', 'b', t1", "'q', 'b', t1"], 1),
    ],
)
def test_a_version_that_says_two_things_is_told(rows: list[str], told: int) -> None:
    """By rule one of them counts; nobody would know that there was another."""
    rule = of_table(raw_rules(CONTRACT), "raw_billing", "products")["a_version_says_one_thing"]
    assert rule.severity == "warning"
    assert rule.query is not None
    with duckdb.connect() as connection:
        times = "timestamp '2026-01-01' as t1, timestamp '2026-01-02' as t2"
        landed = " union all ".join(
            f"select true as active, {row} from (select {times})" for row in rows
        )
        connection.execute(f"create table products (active, id, name, updated_at) as {landed}")
        found = connection.execute(rule.query.format(batch="products")).fetchall()
    assert len(found) == told


def found_by(rule: Rule, table: str, landed: str) -> list[tuple[Any, ...]]:
    """What a rule finds in a table of these rows."""
    assert rule.severity == "warning"
    assert rule.query is not None
    with duckdb.connect() as connection:
        connection.execute(f"create table {table} as {landed}")
        return connection.execute(rule.query.format(batch=table)).fetchall()


@pytest.mark.fault("F31")
def test_two_rates_of_a_day_are_told_with_both() -> None:
    """In whatever case their currency is written: the lower one counts."""
    rule = of_table(raw_rules(CONTRACT), "raw_finance", "fx_rates")["a_key_says_one_thing"]
    found = found_by(rule, "fx_rates", """
        select * from (values
            (date '2026-01-01', 'EUR', 1.10), (date '2026-01-01', 'eur', 1.25),
            (date '2026-01-01', 'JPY', 0.01), (date '2026-01-01', 'jpy', 0.01),
            (date '2026-01-02', 'EUR', 1.10), (date '2026-01-03', 'eur', 1.25)
        ) as rates (rate_date, currency, rate)
    """)  # fmt: skip
    assert found == [(date(2026, 1, 1), "EUR", Decimal("1.10"), Decimal("1.25"))]


@pytest.mark.fault("F31")
def test_an_id_of_two_things_is_told() -> None:
    """Two tenants in one landing folder: events of one id, and customers of one id."""
    rules = raw_rules(CONTRACT)
    answers = of_table(rules, "raw_survey", "nps_responses")["a_key_says_one_thing"]
    found = found_by(answers, "nps_responses", """
        select 'u' as user_id, 'Ada says' as comment, timestamp '2026-01-01' as responded_at, *
        from (values ('a', 'ours', 9), ('a', 'theirs', 3), ('b', 'ours', 9), ('b', 'ours', 9),
            ('c', 'ours', 1)) as answers (id, account_id, score)
    """)  # fmt: skip
    # Scores; nothing that a person wrote.
    assert found == [("a", 3, 9)]
    customers = of_table(rules, "raw_billing", "customers")["created_never_changes"]
    found = found_by(customers, "customers", """
        select * from (values ('a', date '2024-01-01', 1), ('a', date '2025-06-01', 2),
            ('b', date '2024-01-01', 1), ('b', date '2024-01-01', 2), ('b', null, 3)
        ) as customers (id, created, updated_at)
    """)  # fmt: skip
    assert found == [("a", date(2024, 1, 1), date(2025, 6, 1))]


@pytest.mark.fault("F45")
def test_rows_of_the_future_are_told() -> None:
    """A day may pass between clocks and zones; what means never is no date."""
    rules = raw_rules(CONTRACT)
    told = of_table(rules, "raw_billing", "invoices")["rows_are_not_of_the_future"]
    found = found_by(told, "invoices", """
        select id, cast(created as timestamp) as created,
            cast(updated_at as timestamp) as updated_at,
            timestamp '2026-11-01 06:00:00' as _loaded_at
        from (values ('today', '2026-11-01', '2026-11-01'), ('skew', '2026-11-02', '2026-11-02'),
            ('next year', '2027-11-01', '2026-11-01'), ('updated', '2026-10-01', '2031-01-01'),
            ('never', '2026-10-01', '9999-12-31'), ('unknown', '2026-10-01', null)
        ) as invoices (id, created, updated_at)
    """)  # fmt: skip
    assert [row[0] for row in found] == ["next year", "updated"]
    assert [str(value) for value in found[0][1:]] == [
        *("2026-11-01 00:00:00", "2027-11-01 00:00:00", "2026-11-01 06:00:00")
    ]
    # Every table that is dated at all is looked at.
    looked_at = {rule.table for rule in rules if rule.name == told.name}
    assert {table.name for table in CONTRACT.tables} - looked_at == set()


def test_columns_that_the_suites_name_are_in_the_contract() -> None:
    named = {
        *(
            (*table, reference.column)
            for table, all_of in REFERENCES.items()
            for reference in all_of
        ),
        *((*table, bounds.column) for table, all_of in RANGES.items() for bounds in all_of),
        *(
            (*table, one)
            for table, pairs in ORDERED_DATES.items()
            for pair in pairs
            for one in pair
        ),
        *((*table, column) for table, (column, _) in FRESHNESS_DAYS.items()),
        *(
            (*reference.target, reference.target_column)
            for all_of in REFERENCES.values()
            for reference in all_of
        ),
        *DECIDING_COLUMNS,
    }
    known = {
        (table.source, table.name, column)
        for table in CONTRACT.tables
        for column in table.column_names
    }
    assert sorted(named - known) == []


def test_what_a_run_knows_sets_bounds_but_no_names() -> None:
    plain = raw_rules(CONTRACT)
    known = raw_rules(
        CONTRACT,
        Expected(as_of=date(2026, 10, 31), row_counts=((("raw_billing", "invoices"), 7),)),
    )
    assert [(rule.subject, rule.name) for rule in plain] == [
        (rule.subject, rule.name) for rule in known
    ]
    invoices = of_table(known, "raw_billing", "invoices")
    assert invoices["rows_are_only_added"].minimum == 7
    assert invoices["created_is_recent"].minimum == "2026-09-26"
