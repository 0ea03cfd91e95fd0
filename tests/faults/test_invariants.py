"""Each invariant of a run sees the one cell that breaks it, whatever the warehouse holds.

A random warehouse that keeps all of them is made, and one cell, row or column, drawn at random, is
made wrong. The invariant that watches over it must say so, and nothing may say so before.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.control import Control
from orchestration.invariants import INVARIANTS, Invariant, check_invariants
from orchestration.landing.contract import Contract, Source, load_contract

COUNTS = ("rows_received", "rows_accepted", "rows_superseded", "rows_quarantined")
MART = (
    "create schema core; create table core.fct as select * from (values"
    " ('a', cast(1 as decimal(18, 2)), cast(0.5 as double), date '2026-01-01'),"
    " ('b', 2, null, date '2026-02-01'), ('c', 3, 0.25, null))"
    " as rows(customer_id, closing_mrr, churn_rate, month)"
)
Draw = Callable[[st.SearchStrategy[int]], int]


@dataclass
class Warehouse:
    """A build whose books are right, and the control database of its home."""

    connection: duckdb.DuckDBPyConnection
    control: Control
    contract: Contract
    last_release: Path
    files: int
    draw: Draw

    def pick(self, count: int) -> int:
        """One of so many, at random."""
        return self.draw(st.integers(0, count - 1))

    def file(self) -> str:
        """One of the files."""
        return f"{self.pick(self.files)}.csv"

    def row_of(self, table: str) -> int:
        """The place of a random row of a table."""
        counted = self.connection.execute(f"select count(*) from {table}").fetchone()
        assert counted is not None
        return self.pick(counted[0])

    def failed(self) -> set[str]:
        """The invariants that say that something is wrong."""
        results = check_invariants(self.connection, self.contract, self.control, self.last_release)
        assert [result.name for result in results] == [one.name for one in INVARIANTS]
        broken = [result for result in results if not result.passed]
        assert all(result.examples and result.failures for result in broken)
        return {result.name for result in broken}


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Two tables of the real contract."""
    tables = load_contract().by_name
    names = ("customers", "invoices")
    return Contract(
        (Source("billing", "raw_billing", "", tuple(tables["billing", name] for name in names)),)
    )


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three releases, each with a message; the last release is `3.duckdb`."""
    folder = tmp_path_factory.mktemp("pristine")
    with Control(folder / "control.db") as control:
        for n in (1, 2, 3):
            control.start_run(f"run-{n}", date(2026, 10, 31), "code")
            with control.transaction() as connection:
                connection.execute(
                    "insert into releases values (?, ?, 'f', 's', 1, '2026-11-01', '2026-10-31')",
                    (n, f"run-{n}"),
                )
                connection.execute(
                    "insert into outbox (key, release_n, kind, payload, created_at, updated_at)"
                    " values (?, ?, 'release_published', '{}', '2026-11-01', '2026-11-01')",
                    (f"run-{n}/release_published", n),
                )
                control.append_audit("run", "release committed", {"release": n})
        control.connection.execute("pragma wal_checkpoint(truncate)")
    with duckdb.connect(str(folder / "3.duckdb")) as connection:
        connection.execute(MART)
    return folder


@pytest.fixture
def home(pristine: Path, tmp_path: Path) -> Path:
    """Where each example puts a copy of the pristine home."""
    return tmp_path


books = st.lists(st.tuples(st.booleans(), *[st.integers(0, 4)] * 3), min_size=1, max_size=4).filter(
    lambda files: any(one[1] for one in files) and any(one[3] for one in files)
)
Books = list[tuple[bool, int, int, int]]


def make(pristine: Path, home: Path, contract: Contract, files: Books, draw: Draw) -> Warehouse:
    """A warehouse whose files have so many rows accepted, superseded and set aside."""
    for name in ("control.db", "3.duckdb"):
        shutil.copyfile(pristine / name, home / name)
    connection = duckdb.connect()
    connection.execute(MART)
    connection.execute("create schema raw_billing; create schema quality")
    for name in ("customers", "invoices"):
        connection.execute(f"create table raw_billing.{name} (id varchar, _file varchar)")
    connection.execute(
        "create table quality.load_log (file varchar, state varchar, rows_received bigint,"
        " rows_accepted bigint, rows_superseded bigint, rows_quarantined bigint)"
    )
    connection.execute("create table quality.quarantine (file varchar, file_row bigint)")
    connection.execute(
        "create table quality.dictionary_keys as select 'core' as schema_name, 'fct' as table_name,"
        " [name] as columns, 'core' as to_schema, name || 's' as to_table, true as is_kept"
        " from (values ('customer'), ('policy'), ('month')) as names(name)"
    )
    for number, (is_invoice, accepted, superseded, quarantined) in enumerate(files):
        file = f"{number}.csv"
        received = accepted + superseded + quarantined
        connection.execute(
            "insert into quality.load_log values (?, 'accepted', ?, ?, ?, ?)",
            [file, received, accepted, superseded, quarantined],
        )
        table = "invoices" if is_invoice else "customers"
        connection.execute(
            f"insert into raw_billing.{table} select 'x' || range, ? from range(?)",
            [file, accepted + superseded],
        )
        connection.execute(
            "insert into quality.quarantine select ?, range from range(?)", [file, quarantined]
        )
    return Warehouse(
        connection, Control(home / "control.db"), contract, home / "3.duckdb", len(files), draw
    )


def break_a_count(made: Warehouse) -> None:
    column = COUNTS[made.pick(4)]
    change = ("null", f"{column} + 1", f"{column} - 1", f"-{column} - 1")[made.pick(4)]
    made.connection.execute(
        f"update quality.load_log set {column} = {change} where file = ?", [made.file()]
    )


def break_a_row(made: Warehouse, table: str, file_column: str) -> None:
    """A row is gone, is there twice, or is of another file."""
    row = made.row_of(table)
    if (kind := made.pick(3)) == 0:
        made.connection.execute(f"delete from {table} where rowid = ?", [row])
    elif kind == 1:
        made.connection.execute(f"insert into {table} select * from {table} where rowid = ?", [row])
    else:
        made.connection.execute(
            f"update {table} set {file_column} = ? where rowid = ?",
            [("elsewhere.csv", None)[made.pick(2)], row],
        )


def break_the_quarantine(made: Warehouse) -> None:
    break_a_row(made, "quality.quarantine", "file")


def break_a_raw_view(made: Warehouse) -> None:
    tables = [f"raw_billing.{name}" for name in ("customers", "invoices")]
    filled = [t for t in tables if made.connection.execute(f"from {t} limit 1").fetchall()]
    if made.pick(4) == 0:
        made.connection.execute(
            "update quality.load_log set state = 'refused' where rows_accepted > 0"
        )
    else:
        break_a_row(made, filled[made.pick(len(filled))], "_file")


def break_a_figure(made: Warehouse) -> None:
    if made.pick(4) == 0:
        made.connection.execute("alter table core.fct alter closing_mrr type double")
    else:
        value = ("nan", "inf", "-inf")[made.pick(3)]
        made.connection.execute(
            "update core.fct set churn_rate = cast(? as double) where rowid = ?",
            [value, made.row_of("core.fct")],
        )


def break_a_contract(made: Warehouse) -> None:
    columns = ("customer_id", "closing_mrr", "churn_rate", "month")
    column = columns[made.pick(4)]
    change = (
        f"alter table core.fct drop {column}",
        f"alter table core.fct rename {column} to other",
        f"alter table core.fct alter {column} type blob using null",
    )
    made.connection.execute((*change, "alter table core.fct rename to fact")[made.pick(4)])


def break_the_releases(made: Warehouse) -> None:
    control = made.control.connection
    kind = made.pick(3)
    if kind == 0:
        made.last_release.unlink()
    elif kind == 1:
        control.execute("drop trigger audit_is_not_updated")
        column = ("at", "who", "what", "details", "hash")[made.pick(5)]
        control.execute(
            f"update audit set {column} = {column} || ' ' where id = ?", (1 + made.pick(3),)
        )
    else:
        control.execute("drop trigger releases_are_not_deleted")
        control.execute("pragma foreign_keys = off")
        n = 1 + made.pick(2)
        control.execute("delete from releases where n = ?", (n,))


def break_a_reference(made: Warehouse) -> None:
    made.connection.execute(
        "update quality.dictionary_keys set is_kept = ? where rowid = ?",
        [(False, None)[made.pick(2)], made.row_of("quality.dictionary_keys")],
    )


def break_a_message(made: Warehouse) -> None:
    made.control.connection.execute("pragma foreign_keys = off")
    made.control.connection.execute(
        "update outbox set release_n = ? where release_n = ?", (4 + made.pick(9), 1 + made.pick(3))
    )


BREAKERS: dict[str, Callable[[Warehouse], None]] = {
    "rows_of_each_file_add_up": break_a_count,
    "quarantine_lists_every_row": break_the_quarantine,
    "raw_views_have_every_row": break_a_raw_view,
    "numbers_are_finite_and_money_is_exact": break_a_figure,
    "marts_keep_their_columns": break_a_contract,
    "releases_follow_each_other": break_the_releases,
    "references_are_found": break_a_reference,
    "messages_belong_to_releases": break_a_message,
}


@pytest.mark.fault("I19", "I20", "I21", "F60")
@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda one: one.name)
@given(files=books, data=st.data())
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_invariant_sees_the_one_cell_that_breaks_it(
    pristine: Path,
    home: Path,
    contract: Contract,
    invariant: Invariant,
    files: Books,
    data: st.DataObject,
) -> None:
    made = make(pristine, home, contract, files, data.draw)
    try:
        assert made.failed() == set()
        BREAKERS[invariant.name](made)
        assert invariant.name in made.failed()
    finally:
        made.connection.close()
        made.control.close()
        for path in home.iterdir():
            path.unlink()
