"""What a build takes over from the last release."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.release.carry_over import HISTORY, SUMS, carry_over
from orchestration.settings import DBT_PROJECT_DIR


@pytest.fixture
def last_release(tmp_path: Path) -> Path:
    path = tmp_path / "it's 1.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema intermediate; create schema core")
        for schema, table in (*SUMS, *HISTORY, ("core", "dim_customers")):
            connection.execute(f"create table {schema}.{table} as select 1 as n")
    return path


def carried(last: Path | None, *, is_same_code: bool) -> set[str]:
    with duckdb.connect() as connection:
        copied = set(carry_over(connection, last, is_same_code=is_same_code))
        there = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
    assert copied == there
    return there


def names(tables: object) -> set[str]:
    return {f"{schema}.{table}" for schema, table in tables}  # type: ignore[attr-defined]


def test_sums_and_history_are_taken_over_and_nothing_else(last_release: Path) -> None:
    assert carried(last_release, is_same_code=True) == names((*SUMS, *HISTORY))
    assert carried(None, is_same_code=True) == set()


def test_other_code_makes_its_sums_anew_and_keeps_history(last_release: Path) -> None:
    assert carried(last_release, is_same_code=False) == names(HISTORY)


def test_sums_without_their_list_of_files_are_not_taken_over(last_release: Path) -> None:
    with duckdb.connect(str(last_release)) as connection:
        connection.execute("drop table intermediate.int_event_files")
    assert carried(last_release, is_same_code=True) == names(HISTORY)


def test_every_model_that_keeps_state_is_taken_over() -> None:
    keeping = {
        f"intermediate.{path.stem}"
        for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")
        if "previous_version()" in path.read_text("utf-8")
    }
    assert keeping == names((*SUMS, *HISTORY))
