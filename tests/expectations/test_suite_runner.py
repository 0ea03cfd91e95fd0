"""Rules against a small file: what passes, fails, is skipped, and what raised is never a pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from expectations import data_docs
from expectations.context import SuiteRunner, Warehouse
from expectations.rules import Rule
from orchestration.results import Result


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> SuiteRunner:
    return SuiteRunner(tmp_path_factory.mktemp("docs"))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            """
            create schema shop;
            create table shop.orders as
            select * from (values
                (1, 'paid', 10, date '2026-01-01', 'year'),
                (2, 'paid', -5, date '2026-01-02', 'month'),
                (3, 'lost', null, date '2026-01-03', 'month'))
                as t(id, status, amount, ordered_on, "interval");
            create table shop.nothing (id integer);
            """
        )
    yield Warehouse(database, None)
    # A file that an engine still had open could not be opened for writing.
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table shop.written (id integer)")


def rule(kind: str, name: str = "rule", **fields: object) -> Rule:
    return replace(
        Rule(schema="shop", table="orders", name=name, kind="not_null", sentence="As expected."),
        kind=kind,
        **fields,
    )


def run_one(runner: SuiteRunner, warehouse: Warehouse, one: Rule) -> Result:
    (result,) = runner.run("raw", [one], warehouse)
    assert result.name == one.name
    return result


PASSING = [
    rule("not_null", column="id"),
    rule("in_set", column="status", values=("paid", "lost")),
    rule("in_set", column="interval", values=("month", "year")),
    rule("between", column="amount", minimum=-5, maximum=10),
    rule("latest", column="ordered_on", minimum="2026-01-03"),
    rule("row_count", minimum=3, maximum=3),
    rule("no_rows", query="select id from {batch} where amount > 10"),
    rule(
        "no_rows", query="select id from {batch} where not regexp_full_match(status, '[a-z]{{4}}')"
    ),
]
FAILING = [
    (rule("not_null", column="amount"), 1, ""),
    (rule("in_set", column="status", values=("paid",)), 1, "lost"),
    (rule("between", column="amount", minimum=0), 1, "-5"),
    (rule("latest", column="ordered_on", minimum="2026-01-04"), None, "2026-01-03"),
    (rule("row_count", minimum=4), None, "Found 3, expected at least 4"),
    (rule("no_rows", query="select id from {batch} where status = 'paid'"), 2, "2 rows break"),
]


@pytest.mark.parametrize("one", PASSING, ids=lambda one: f"{one.kind}-{one.column}")
def test_what_is_as_expected_passes(runner: SuiteRunner, warehouse: Warehouse, one: Rule) -> None:
    result = run_one(runner, warehouse, one)
    assert result.passed
    assert not result.skipped


@pytest.mark.parametrize(
    ("one", "count", "told"), FAILING, ids=lambda value: getattr(value, "kind", "")
)
def test_what_is_not_as_expected_fails_with_its_count(
    runner: SuiteRunner, warehouse: Warehouse, one: Rule, count: int | None, told: str
) -> None:
    result = run_one(runner, warehouse, one)
    assert not result.passed
    assert result.rejects
    assert result.failures == count
    assert told in result.message


@pytest.mark.parametrize(
    "one",
    [
        rule("not_null", column="no_such_column"),
        rule("between", column="status", minimum=0),
        rule("no_rows", query="select id from {batch} where nonsense("),
        rule("not_null", column="id", table="no_such_table"),
    ],
    ids=["no such column", "text against number", "broken SQL", "no such table"],
)
def test_an_expectation_that_raised_is_a_failure(
    runner: SuiteRunner, warehouse: Warehouse, one: Rule
) -> None:
    result = run_one(runner, warehouse, one)
    assert not result.passed
    assert result.rejects
    assert "the check itself failed" in result.message


def test_a_rule_that_raised_leaves_the_others_their_results(
    runner: SuiteRunner, warehouse: Warehouse
) -> None:
    results = runner.run(
        "raw",
        [
            rule("not_null", "raises", column="no_such_column"),
            rule("not_null", "holds", column="id"),
            rule("not_null", "is broken", column="amount", severity="warning"),
        ],
        warehouse,
    )
    assert [(row.name, row.passed, row.rejects, row.warns) for row in results] == [
        ("raises", False, True, False),
        ("holds", True, False, False),
        ("is broken", False, False, True),
    ]


def test_a_table_without_rows_is_skipped_unless_rows_are_asked_for(
    runner: SuiteRunner, warehouse: Warehouse
) -> None:
    results = runner.run(
        "raw",
        [
            rule("not_null", "filled", column="id", table="nothing"),
            rule("row_count", "any", minimum=0, table="nothing"),
            rule("row_count", "some", minimum=1, table="nothing"),
        ],
        warehouse,
    )
    assert [(row.name, row.passed, row.skipped) for row in results] == [
        ("filled", True, True),
        ("any", True, True),
        ("some", False, False),
    ]


def test_the_last_release_can_be_compared_with(
    runner: SuiteRunner, warehouse: Warehouse, tmp_path: Path
) -> None:
    released = tmp_path / "1.duckdb"
    with duckdb.connect(str(released)) as connection:
        connection.execute("create schema shop")
        connection.execute("create table shop.orders as select unnest([1, 2, 3, 4]) as id")
    gone = rule(
        "no_rows",
        query="select released.id from last_release.shop.orders as released"
        " left join {batch} as now using (id) where now.id is null",
        needs_last_release=True,
    )
    assert run_one(runner, warehouse, gone).skipped
    found = run_one(runner, replace(warehouse, last_release=released), gone)
    assert not found.passed
    assert found.failures == 1


def test_data_docs_show_what_was_run(runner: SuiteRunner, warehouse: Warehouse) -> None:
    run_one(runner, warehouse, rule("not_null", column="id"))
    assert "raw.shop.orders" in runner.build_data_docs().read_text(encoding="utf-8")


def test_data_docs_ask_nobody_and_name_what_failed_first(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    runner = SuiteRunner(tmp_path / "docs")
    run_one(runner, warehouse, rule("not_null", column="id"))
    assert not run_one(runner, warehouse, rule("in_set", column="status", values=("<b>",))).passed
    index = runner.build_data_docs()
    rows = re.findall(r'<td><a href="([^"]+)">.*?(✓ passed|✗ \d+ failed)', index.read_text("utf-8"))
    assert [result for _, result in rows] == ["✗ 1 failed", "✓ passed"]
    pages = sorted(index.parent.rglob("*.html"))
    assert {index, *(index.parent / page for page, _ in rows)} <= set(pages)
    for page in pages:
        text = page.read_text("utf-8")
        assert re.findall(r"<(?!a\b)[^>]*(?:src|href)\s*=\s*[\"']?(?:https?:)?//[^>]*>", text) == []
        assert "<script" not in text
        assert "default-src 'none'" in text
        (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', text)
        assert (page.parent / style).resolve() == (index.parent / data_docs.STYLE).resolve()


def test_data_docs_of_earlier_runs_are_taken_out(runner: SuiteRunner, warehouse: Warehouse) -> None:
    folder = runner.build_data_docs().parent
    old = folder / "validations" / "raw" / "shop" / "gone" / "__none__" / "20260101T000000.000000Z"
    old.mkdir(parents=True)
    (old / "raw-shop.gone.html").write_text("<html></html>")
    later = SuiteRunner(folder)
    run_one(later, warehouse, rule("not_null", column="id"))
    assert "shop.gone" not in later.build_data_docs().read_text("utf-8")
    assert not old.exists()
