"""Where DuckDB and Spark differ, and that our macros do not: every answer worked out by hand.

Each test is named after a difference that the design lists. The macros are compiled by dbt for
both engines; all answers of an engine come from one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import DBT_PROJECT_DIR
from tests.engines.compare import differences
from tests.support.dbt_runner import DbtProject
from tests.support.raw_tables import write_raw_tables
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

# Clocks change on 10 March and on 3 November 2024.
VARIABLES = {"reporting_timezone": "America/New_York"}
NULL = None


def decimal(number: str, digits: int = 2) -> str:
    return f"cast({number} as decimal(18, {digits}))"


@dataclass(frozen=True)
class Case:
    """An expression (with macros, over nothing or over `rows`) and what it comes to, as text."""

    sql: str
    expected: str | None
    rows: str = ""


CASES: Mapping[str, Mapping[str, Case]] = {
    # A decimal divided by 3 is a double on the one and a decimal(22, 6) on the other.
    "division_of_decimals": {
        "a third, to 16 digits": Case("{{ exact_divide(100, 3, 16) }}", "33.3333333333333333"),
        "two thirds, half up": Case("{{ exact_divide(2, 3, 6) }}", "0.666667"),
        "a half of the last digit": Case("{{ exact_divide(1, 2000000, 6) }}", "0.000001"),
        "twenty digits before the point": Case(
            "{{ exact_divide('cast(123456789012345678901 as decimal(38, 0))', 8, 2) }}",
            "15432098626543209862.63",
        ),
        # 30 trillion and a third at 1.1: more than a product of 26 decimals has room for.
        "a large amount at a rate": Case(
            "{{ at_rate('cast(30000000000000.3333333333333333 as decimal(38, 16))', '"
            + decimal("1.1", 10)
            + "') }}",
            "33000000000000.3666666666666666",
        ),
        "a fraction that its type has no room for": Case(
            "{{ ratio('" + decimal("30000000000000.00") + "', '" + decimal("0.01") + "') }}", NULL
        ),
        "money by a count": Case("{{ money_ratio('" + decimal("10.00") + "', 3) }}", "3.33"),
        "money of either sign": Case(
            "{{ signed_money_ratio('" + decimal("-0.05") + "', 2) }}", "-0.03"
        ),
        "a share in cents": Case(
            "{{ share_in_cents('" + decimal("-100.00") + "', 1, 8) }}", "-12.50"
        ),
    },
    # Doubles are rounded to decimals in two ways, which differ at a half of the last digit.
    "ratios": {
        "a half of the last digit": Case("{{ ratio(1, 2000000) }}", "0.000001"),
        "and another, up as well": Case("{{ ratio(5, 2000000) }}", "0.000003"),
        "below zero, away from it": Case("{{ ratio(-1, 2000000) }}", "-0.000001"),
        "a denominator below zero": Case("{{ ratio(5, -2000000) }}", "-0.000003"),
        "both below zero": Case("{{ ratio(-5, -2000000) }}", "0.000003"),
        "no double is exactly this": Case(
            "{{ ratio('" + decimal("0.1234565", 7) + "', 1) }}", "0.123457"
        ),
        "a hair below a half": Case("{{ ratio(1234564999999, 10000000000000) }}", "0.123456"),
        "with cents": Case(
            "{{ ratio('" + decimal("1000.01") + "', '" + decimal("3000.00") + "') }}", "0.333337"
        ),
        "four digits": Case("{{ ratio(100, 128, 4) }}", "0.7813"),
        "money beyond 2^53 cents": Case(
            "{{ ratio('"
            + decimal("900000000000000.05")
            + "', '"
            + decimal("900000000000000.05")
            + "') }}",
            "1.000000",
        ),
    },
    # 1 / 0 is infinity on the one, and an error or null on the other.
    "division_by_zero": {
        "is null": Case("{{ ratio(1, 0) }}", NULL),
        "so is 0 / 0": Case("{{ ratio(0, 0) }}", NULL),
        "and what is not known": Case("{{ ratio('cast(null as integer)', 3) }}", NULL),
        "or not known of what": Case("{{ ratio(3, 'cast(null as integer)') }}", NULL),
        "whole numbers too": Case("{{ exact_divide(1, 0, 12) }}", NULL),
        "money too": Case("{{ money_ratio('" + decimal("1.00") + "', 0) }}", NULL),
    },
    # Nulls are last on the one and first on the other, unless it is said.
    "order_of_nulls": {
        "a version without a value is the older one": Case(
            "max(case when is_current then value end)",
            "b",
            "(select value, {{ version_columns('id') }} from (select 1 as id, value,"
            " cast('2024-01-01 00:00:00' as timestamp) as version_at,"
            " cast('2024-01-01' as date) as version_date from (select 'b' as value"
            " union all select cast(null as {{ dbt.type_string() }})) as two) as versions"
            " {{ version_window('id', ['value']) }})",
        ),
        "a list has no null": Case(
            "cast({{ sorted_list('value') }} = {{ listed }} as {{ dbt.type_string() }})",
            "true",
            "(select 'b' as value union all select 'a' union all select 'b'"
            " union all select cast(null as {{ dbt.type_string() }}))",
        ),
    },
    # concat('a', null) is 'a' on the one and null on the other: we write ||.
    "null_in_a_text": {
        "with ||": Case("'a' || cast(null as {{ dbt.type_string() }})", NULL),
        "in a line for comparing": Case(
            "{{ said(['cast(null as integer)', 'cast(7 as integer)']) }}", "~|7|"
        ),
        "no model asks least or greatest for it": Case("least(2, cast(null as integer))", "2"),
    },
    # A day is cut in the zone of the session, unless it is said.
    "days_of_a_zone": {
        f"{timestamp} is of {day}": Case(
            f"{{{{ local_date(\"cast('{timestamp}' as timestamp)\") }}}}", day
        )
        for timestamp, day in (
            ("2024-03-10 04:59:59", "2024-03-09"),
            ("2024-03-10 05:00:00", "2024-03-10"),
            ("2024-03-11 03:59:59", "2024-03-10"),
            ("2024-11-03 04:00:00", "2024-11-03"),
            ("2024-11-04 04:59:59", "2024-11-03"),
            ("2024-11-04 05:00:00", "2024-11-04"),
        )
    },
    "calendar": {
        "a month after the 31st": Case(
            "{{ add_months(\"cast('2024-01-31' as date)\", 1) }}", "2024-02-29"
        ),
        "counted from the anchor": Case(
            "{{ add_months(\"cast('2024-01-31' as date)\", 2) }}", "2024-03-31"
        ),
        "not from the end of a month": Case(
            "{{ add_months(\"cast('2024-02-29' as date)\", 12) }}", "2025-02-28"
        ),
        "days": Case("{{ add_days(\"cast('2024-02-28' as date)\", 2) }}", "2024-03-01"),
        "days between": Case(
            "{{ days_between(\"cast('2024-03-09' as date)\", \"cast('2024-03-11' as date)\") }}",
            "2",
        ),
        "whole seconds, down": Case(
            "{{ seconds_between(\"cast('2024-01-01 00:00:00.5' as timestamp)\","
            " \"cast('2024-01-01 00:00:02' as timestamp)\") }}",
            "1",
        ),
        "months between": Case(
            "{{ months_between_firsts(\"cast('2023-11-01' as date)\","
            " \"cast('2024-02-01' as date)\") }}",
            "3",
        ),
        "the last day": Case("last_day(cast('2024-02-10' as date))", "2024-02-29"),
    },
    "rounding": {
        "half up, away from zero": Case(f"round({decimal('2.5', 1)}, 0)", "3"),
        "below zero": Case(f"round({decimal('-2.5', 1)}, 0)", "-3"),
        "a cast rounds as well": Case(
            "cast(cast(0.125 as decimal(9, 3)) as decimal(9, 2))", "0.13"
        ),
        "guard digits": Case(
            "{{ to_cents('cast(832.4999999999999996 as decimal(38, 16))') }}", "832.50"
        ),
    },
    "texts_and_digests": {
        # By sha256sum, of the lines a, z, ä.
        "lines in the order of bytes": Case(
            "{{ sha256_of_lines('value') }}",
            # pragma: allowlist nextline secret
            "f864207320a6eb6cb538b9212a54bf00b5dffc7a27750ba5768823d16ca0cef7",
            "(select 'z' as value union all select 'a' union all select 'ä')",
        ),
        "joined in an order": Case(
            "{{ joined_text('value', '; ', 'place desc') }}",
            "c; b",
            "(select 'b' as value, 1 as place union all select 'c', 2)",
        ),
        "a factor as whole numbers": Case("{{ factor_numerator(\"'4.33'\") }}", "433"),
        "and its denominator": Case("{{ factor_denominator(\"'4.33'\") }}", "100"),
        "money as text": Case(
            f"cast({decimal('1234.5')} as {{{{ dbt.type_string() }}}})", "1234.50"
        ),
        "a time as text": Case(
            "cast(cast('2024-01-01 10:00:00.250' as timestamp) as {{ dbt.type_string() }})",
            "2024-01-01 10:00:00.25",
        ),
    },
}

#: Statements that fail on both engines; with ANSI mode off Spark would answer null.
FAIL = {
    "a text that is no number": "select cast('x' as integer)",
    "a number too large for its type": "select cast(300 as tinyint)",
    "a decimal without room": "select cast(123.45 as decimal(4, 2))",
    "a sum without room": (
        "select cast(99999999999999999999999999999999999999 as decimal(38, 0))"
        " + cast(99999999999999999999999999999999999999 as decimal(38, 0))"
    ),
    "a day that there is not": "select cast('2024-02-30' as date)",
}
Answers = dict[tuple[str, str], str | None]


def statement(lists: str) -> str:
    """All cases as one statement with macros; `lists` is how the engine writes a list."""
    parts = []
    for difference, cases in CASES.items():
        for name, case in cases.items():
            sql = case.sql.replace("{{ listed }}", lists)
            value = f"cast({sql} as {{{{ dbt.type_string() }}}})"
            source = f" from {case.rows} as listed" if case.rows else ""
            parts.append(f"select '{difference}' as d, '{name}' as n, {value} as v{source}")
    return "\nunion all ".join(parts)


@pytest.fixture(scope="module")
def duckdb_answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    project = DbtProject(tmp_path_factory.mktemp("differences"))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        sql = project.compiled(statement("['a', 'b']"), VARIABLES)
        return {(row[0], row[1]): row[2] for row in connection.execute(sql).fetchall()}


@pytest.fixture(scope="module")
def spark_answers(on_spark: SparkProject) -> Answers:
    sql = on_spark.compiled(statement("array('a', 'b')"), VARIABLES)
    with on_spark.cursor() as cursor:
        cursor.execute(sql)
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


@pytest.mark.parametrize("difference", CASES)
def test_engines_agree_on(difference: str, duckdb_answers: Answers, spark_answers: Answers) -> None:
    expected = {(difference, name): case.expected for name, case in CASES[difference].items()}
    for answers in (duckdb_answers, spark_answers):
        assert {key: answers[key] for key in expected} == expected


@pytest.mark.parametrize("name", FAIL)
def test_what_cannot_be_computed_fails_on_both(name: str, on_spark: SparkProject) -> None:
    from pyhive.exc import OperationalError

    with duckdb.connect() as connection, pytest.raises(duckdb.Error):
        connection.execute(FAIL[name]).fetchall()
    with on_spark.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute(FAIL[name])


def test_the_engines_differ_where_nothing_is_done(on_spark: SparkProject) -> None:
    """If an engine changes its ways, this list of differences wants another look."""
    third = "select cast(10.00 as decimal(4, 2)) / 3"
    ordered = "select value from (select 1 as value union all select null) as two order by value"
    with duckdb.connect() as connection, on_spark.cursor() as cursor:
        assert isinstance(connection.execute(third).fetchall()[0][0], float)
        cursor.execute(third)
        assert cursor.description[0][1] == "DECIMAL_TYPE"
        assert connection.execute(ordered).fetchall() == [(1,), (None,)]
        cursor.execute(ordered)
        assert [tuple(row) for row in cursor.fetchall()] == [(None,), (1,)]
        assert connection.execute("select 1 / 0").fetchall() == [(float("inf"),)]
        assert connection.execute("select concat('a', null)").fetchall() == [("a",)]
        cursor.execute("select concat('a', null)")
        assert [tuple(row) for row in cursor.fetchall()] == [(None,)]


def test_no_model_leaves_a_difference_to_the_engine() -> None:
    """`concat`, `avg` and dbt's `datediff` are not the same on both; `||` and our macros are."""
    found = [
        f"{path.name}: {word}"
        for path in sorted((DBT_PROJECT_DIR / "models").rglob("*.sql"))
        for word in ("concat(", "avg(", " // ", "dbt.datediff(")
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert found == []


def test_seeds_with_nulls_and_apostrophes(on_spark: SparkProject, tmp_path: Path) -> None:
    """By its session method dbt-spark writes null as the text None, and breaks at an apostrophe."""
    database = tmp_path / "warehouse.duckdb"
    texts = "".join(path.read_text() for path in sorted((DBT_PROJECT_DIR / "seeds").glob("*.csv")))
    assert "'" in texts, "no seed has an apostrophe"
    assert ",," in texts, "no seed has a null"
    write_raw_tables(database, {})
    on_spark.build(database, ["resource_type:seed"])
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "warehouse.duckdb"
    write_raw_tables(other, {})
    DbtProject(tmp_path / "dbt").build(other, ["resource_type:seed"])
    count, found = differences(other, database, ("seeds",))
    assert count >= 29
    assert found == []
