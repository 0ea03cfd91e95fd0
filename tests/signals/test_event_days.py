"""Events are summed up once, where files come or go: always as if all had come at once.

The models' own SQL is compiled by dbt once, fresh and over a last release, and run here as often
as it takes; two runs of dbt itself show that it is what dbt does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

from tests.support.dbt_runner import DATABASE_NAME, DbtProject, _let_go
from tests.support.raw_tables import write_raw_tables

MODELS = ("stg_product__events", "int_event_files", "int_event_days")
AS_OF = {"as_of_date": "2026-01-31"}
SCHEDULES = 200
FIRST_DAY = datetime(2026, 1, 1)

Event = dict[str, Any]


@dataclass(frozen=True)
class LandedFile:
    """A file with its rows; the same name with other rows was landed again, at another time."""

    name: str
    loaded_at: datetime
    rows: tuple[Event, ...]


@dataclass(frozen=True)
class Sql:
    """The two models without a last release, and with one."""

    files: tuple[str, str]
    days: tuple[str, str]


def compiled(project: DbtProject, database: Path) -> dict[str, str]:
    runner = dbtRunner(manifest=project.manifest())
    project._environment(database)
    try:
        outcome = runner.invoke(["compile", *project._arguments(AS_OF), "--select", *MODELS])
    finally:
        _let_go()
    assert outcome.success, outcome.exception
    results: Any = outcome.result
    return {row.node.name: row.node.compiled_code for row in results.results}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    return DbtProject(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def sql(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Sql:
    database = tmp_path_factory.mktemp("compiled") / DATABASE_NAME
    write_raw_tables(database, {})
    fresh = compiled(project, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema staging; create schema intermediate")
        connection.execute(f"create view staging.{MODELS[0]} as {fresh[MODELS[0]]}")
        for model in MODELS[1:]:
            connection.execute(f"create table intermediate.{model} as {fresh[model]}")
    again = compiled(project, database)
    assert fresh["int_event_days"] != again["int_event_days"]
    return Sql(
        files=(fresh["int_event_files"], again["int_event_files"]),
        days=(fresh["int_event_days"], again["int_event_days"]),
    )


@pytest.fixture
def warehouse(sql: Sql, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in memory of the name that the compiled SQL has."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("attach ':memory:' as warehouse; use warehouse")
        connection.execute("create schema staging; create schema intermediate")
        yield connection


def land(connection: duckdb.DuckDBPyConnection, files: list[LandedFile]) -> None:
    """The staged arrivals of exactly these files, in any order."""
    rows = [
        {**row, "file_name": file.name, "file_loaded_at": file.loaded_at}
        for file in files
        for row in file.rows
    ]
    random.Random(len(rows)).shuffle(rows)
    names = ["event_id", "account_id", "user_id", "event", "occurred_at", "received_at"]
    schema = pa.schema(
        [(name, pa.string()) for name in names[:4]]
        + [(name, pa.timestamp("us")) for name in names[4:]]
        + [("file_name", pa.string()), ("file_loaded_at", pa.timestamp("us"))]
    )
    connection.register("landed", pa.Table.from_pylist(rows, schema))
    connection.execute(
        "create or replace table staging.stg_product__events as"
        " select *, cast(occurred_at as date) as occurred_date from landed"
    )
    connection.unregister("landed")


def refresh(connection: duckdb.DuckDBPyConnection, sql: Sql, *, over_last: bool) -> None:
    for model, versions in (("int_event_files", sql.files), ("int_event_days", sql.days)):
        connection.execute(
            f"create or replace table intermediate.{model} as {versions[int(over_last)]}"
        )


def sums(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("from intermediate.int_event_days order by all").fetchall()


def by_hand(files: list[LandedFile]) -> list[tuple[Any, ...]]:
    """The same sums without SQL: the first received of an id counts, then the lowest content."""
    late = datetime.max
    best: dict[str, tuple[Any, ...]] = {}
    for row in (row for file in files for row in file.rows):
        order = (
            row["received_at"] or late,
            row["occurred_at"],
            row["account_id"],
            row["event"],
            row["user_id"] is not None,
            row["user_id"] or "",
        )
        best[row["event_id"]] = min(best.get(row["event_id"], order), order)
    counted: dict[tuple[Any, ...], int] = {}
    for _, occurred_at, account, event, has_user, user in best.values():
        key = (account, user if has_user else None, event, occurred_at.date())
        counted[key] = counted.get(key, 0) + 1
    rows = [(*key, count) for key, count in counted.items()]
    return sorted(rows, key=lambda row: (row[0], row[1] is None, row[1] or "", *row[2:]))


class Company:
    """Files as a company might land them: late, twice, corrected, replaced, withdrawn."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = datetime(2026, 2, 1)
        self.landed: list[LandedFile] = []
        self.withdrawn: list[LandedFile] = []
        self.numbers = 0

    def _event(self) -> Event:
        earlier = [row for file in (*self.landed, *self.withdrawn) for row in file.rows]
        if earlier and self.random.random() < 0.3:
            # The same event again: as it was, or with another day, receipt or content.
            row = dict(self.random.choice(earlier))
            change = self.random.randrange(4)
            if change == 1:
                row["occurred_at"] += timedelta(days=self.random.randint(-3, 3))
            elif change == 2 and row["received_at"] is not None:
                row["received_at"] += timedelta(hours=self.random.randint(-50, 50))
            elif change == 3:
                row["account_id"], row["received_at"] = "acc_other", None
            return row
        self.numbers += 1
        occurred = FIRST_DAY + timedelta(hours=self.random.randrange(12 * 24))
        return {
            "event_id": f"evt_{self.numbers}",
            "account_id": f"acc_{self.random.randrange(3)}",
            "user_id": self.random.choice([None, "usr_1", "usr_2"]),
            "event": self.random.choice(["login", "report_created"]),
            "occurred_at": occurred,
            "received_at": occurred + timedelta(hours=self.random.choice([0, 0, 30])),
        }

    def _file(self, name: str | None = None) -> LandedFile:
        self.clock += timedelta(hours=1)
        rows = tuple(self._event() for _ in range(self.random.randint(1, 8)))
        return LandedFile(name or f"product/events/{self.clock:%d%H}.csv", self.clock, rows)

    def step(self) -> list[LandedFile]:
        """Something happens to the landing folder; what lies in it then."""
        for _ in range(self.random.randint(0, 3)):
            self.landed.append(self._file())
        if self.landed and self.random.random() < 0.25:
            gone = self.landed.pop(self.random.randrange(len(self.landed)))
            self.withdrawn.append(gone)
            if self.random.random() < 0.5:
                self.landed.append(self._file(gone.name))
        elif self.withdrawn and self.random.random() < 0.2:
            back = self.withdrawn.pop()
            if back.name not in {file.name for file in self.landed}:
                self.landed.append(back)
        return self.landed


def test_any_schedule_of_files_gives_the_sums_of_all_at_once(
    warehouse: duckdb.DuckDBPyConnection, sql: Sql
) -> None:
    compared = 0
    for seed in range(SCHEDULES):
        company = Company(seed)
        for step in range(company.random.randint(2, 5)):
            files = company.step()
            land(warehouse, files)
            refresh(warehouse, sql, over_last=step > 0)
            assert sums(warehouse) == by_hand(files), f"schedule {seed}, step {step}"
            compared += len(files) > 0
    assert compared > 400


def test_only_the_days_of_new_files_are_summed_up_again(
    warehouse: duckdb.DuckDBPyConnection, sql: Sql
) -> None:
    def event(number: int, day: int) -> Event:
        at = datetime(2026, 1, day, 9)
        return {
            "event_id": f"evt_{number}",
            "account_id": "acc_1",
            "user_id": "usr_1",
            "event": "login",
            "occurred_at": at,
            "received_at": at,
        }

    first = LandedFile("a.csv", datetime(2026, 2, 1), tuple(event(n, n) for n in range(1, 6)))
    late = LandedFile("b.csv", datetime(2026, 2, 2), (event(6, 3),))
    land(warehouse, [first])
    refresh(warehouse, sql, over_last=False)
    # A mark on every day shows which of them is made anew.
    warehouse.execute("update intermediate.int_event_days set event_count = 100")
    land(warehouse, [first, late])
    refresh(warehouse, sql, over_last=True)
    assert [(row[3].day, row[4]) for row in sums(warehouse)] == [
        (1, 100), (2, 100), (3, 2), (4, 100), (5, 100)
    ]  # fmt: skip


def test_dbt_itself_adds_what_a_later_run_finds(project: DbtProject, tmp_path: Path) -> None:
    database = tmp_path / DATABASE_NAME
    event = {
        "id": "evt_1",
        "account_id": "acc_1",
        "event": "login",
        "occurred_at": datetime(2026, 1, 5, 9),
        "received_at": datetime(2026, 1, 7, 9),
    }
    write_raw_tables(database, {"product.events": [event]})
    project.build(database, ["+int_event_days"], AS_OF)
    with duckdb.connect(str(database)) as connection:
        # The same event, received earlier and on another day: its day moves.
        connection.execute(
            "insert into raw_product.events select * replace ('late.csv' as _file,"
            " timestamp '2026-02-02' as _loaded_at, timestamp '2026-01-06 09:00' as received_at,"
            " timestamp '2026-01-04 09:00' as occurred_at) from raw_product.events"
        )
    project.build(database, ["+int_event_days"], AS_OF)
    with duckdb.connect(str(database)) as connection:
        assert connection.execute(
            "select activity_date::varchar, event_count from intermediate.int_event_days"
        ).fetchall() == [("2026-01-04", 1)]
        assert connection.execute(
            "select is_new, is_rebuilt from intermediate.int_event_files order by file_name"
        ).fetchall() == [(True, False), (False, False)]
