"""Seal, commit, roll forward: readers see the old release or the new one, whole."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import BuildError, ConfigurationError, HoldfastError
from orchestration.release.build import start_build
from orchestration.release.publish import (
    KEPT_WORKING_TABLES,
    OutboxMessage,
    commit,
    latest_release,
    roll_forward,
    seal,
)
from orchestration.settings import PROJECT_DIR
from tests.release.conftest import Home


def test_releases_are_numbered_kept_and_linked(home: Home) -> None:
    assert latest_release(home.control) is None
    assert roll_forward(home.settings, home.control) is None
    first, second = home.release("a", 1), home.release("b", 2)
    assert (first.n, second.n) == (1, 2)
    assert home.read() == 2
    assert home.settings.warehouse_link.readlink() == Path("releases/2.duckdb")
    assert home.control.releases() == [first, second]
    assert latest_release(home.control) == second
    for release in (first, second):
        path = home.settings.releases_dir / f"{release.n}.duckdb"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == release.sha256
        assert path.stat().st_size == release.bytes
        assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert second.as_of == home.settings.as_of
    assert [(run.state, run.fingerprint) for run in home.control.runs()] == [
        ("released", "fingerprint of 1"),
        ("released", "fingerprint of 2"),
    ]
    assert [entry.details["release"] for entry in home.control.audit_trail()] == [1, 2]


def test_a_sealed_release_holds_tables_only(home: Home) -> None:
    build = home.build("a", 1)
    with duckdb.connect(str(build.database)) as connection:
        connection.execute("create schema raw_billing")
        connection.execute("create table raw_billing.landed as select 1 as x")
        connection.execute("create schema raw_files")
        connection.execute("create schema staging")
        connection.execute("create view raw_billing.customers as select * from raw_billing.landed")
        connection.execute("create view staging.customers as select * from raw_billing.customers")
        connection.execute('create view core."odd "" name" as select * from core.answer')
        connection.execute("create view main.top as select 1")
    sealed = seal(build)
    with duckdb.connect(str(sealed.path), read_only=True) as connection:
        objects = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
        ).fetchall()
        schemas = connection.execute(
            "select schema_name from duckdb_schemas() where not internal"
        ).fetchall()
    assert objects == [("core", "answer", "BASE TABLE")]
    assert sorted(schemas) == [("core",), ("main",)] or sorted(schemas) == [("core",)]


def test_of_the_working_tables_a_release_holds_those_that_are_read(home: Home) -> None:
    build = home.build("a", 1)
    with duckdb.connect(str(build.database)) as connection:
        connection.execute("create schema intermediate")
        for _, table in [*KEPT_WORKING_TABLES, ("intermediate", "int_months")]:
            connection.execute(f"create table intermediate.{table} as select 1 as x")
    with duckdb.connect(str(seal(build).path), read_only=True) as connection:
        kept = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name <> 'core'"
        ).fetchall()
    assert set(kept) == KEPT_WORKING_TABLES


def test_every_working_table_that_the_code_names_is_in_a_release() -> None:
    named = {
        ("intermediate", table)
        for folder in ("orchestration", "dashboard", "documents", "bi", "expectations")
        for path in (PROJECT_DIR / folder).rglob("*.py")
        for table in re.findall(
            r"""intermediate(?:\.|"?, ?")(int_\w+)""", path.read_text(encoding="utf-8")
        )
    }
    assert named == KEPT_WORKING_TABLES


@pytest.mark.fault("S10")
def test_no_byte_of_what_was_dropped_stays_in_a_release(home: Home) -> None:
    """A freed block keeps its bytes: e-mail addresses of staging would go out with the release."""
    build = home.build("a", 1)
    canary = b"canary@example.com"
    with duckdb.connect(str(build.database)) as connection:
        connection.execute("create schema staging")
        connection.execute(
            "create table staging.stg_people as"
            " select range || 'canary@example.com' as email from range(40)"
        )
        connection.execute("checkpoint")
        # What comes after it keeps the file from being cut at its end.
        connection.execute("create table core.more as select range from range(300000)")
        connection.execute("comment on table core.more is 'kept'")
        connection.execute("checkpoint")
    assert canary in build.database.read_bytes()
    sealed = seal(build)
    assert canary not in sealed.path.read_bytes()
    with duckdb.connect(str(sealed.path), read_only=True) as connection:
        kept = connection.execute(
            "select table_name, comment from duckdb_tables() order by table_name"
        ).fetchall()
    assert kept == [("answer", None), ("more", "kept")]


def test_f72_no_log_stands_beside_a_release(home: Home) -> None:
    build = home.build("a", 1)
    with duckdb.connect(str(build.database)) as connection:
        # Leave the work in the log, as a crash before a checkpoint does.
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("create table core.late as select 2 as value")
    assert build.database.with_name("warehouse.duckdb.wal").exists()
    sealed = seal(build)
    assert [path.name for path in build.folder.iterdir()] == ["warehouse.duckdb"]
    with duckdb.connect(str(sealed.path), read_only=True) as connection:
        assert connection.execute("select value from core.late").fetchall() == [(2,)]


def test_a_build_that_somebody_has_open_is_not_sealed(home: Home) -> None:
    build = home.build("a", 1)
    build.database.write_bytes(b"no database")
    with pytest.raises(BuildError, match="cannot be sealed"):
        seal(build)


def test_a_start_removes_the_builds_of_dead_runs(home: Home, tmp_path: Path) -> None:
    home.build("dead", 1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    (home.settings.build_dir / "link").symlink_to(outside)
    (home.settings.build_dir / "file").touch()
    build = start_build(home.settings, "alive")
    assert list(home.settings.build_dir.iterdir()) == [build.folder]
    assert list(build.folder.iterdir()) == []
    assert build.database == build.folder / "warehouse.duckdb"
    assert (outside / "keep").exists()


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden", "a b"])
def test_a_run_id_that_is_no_folder_name_is_refused(home: Home, run_id: str) -> None:
    with pytest.raises(ConfigurationError):
        start_build(home.settings, run_id)


def test_a_commit_on_an_older_release_changes_nothing(home: Home) -> None:
    home.release("a", 1)
    stale = home.sealed("b", 2)
    with pytest.raises(HoldfastError, match="Release 1 was committed while"):
        commit(home.settings, home.control, stale, previous=0, fingerprint="f")
    assert home.read() == 1
    assert len(home.control.releases()) == 1
    assert [path.name for path in home.settings.releases_dir.iterdir()] == ["1.duckdb"]


def test_outbox_rows_come_with_their_release_once(home: Home) -> None:
    message = OutboxMessage("alert-1", "webhook", '{"x": 1}')
    home.release("a", 1, outbox=(message, OutboxMessage("alert-2", "webhook", "{}")))
    home.release("b", 2, outbox=(message, OutboxMessage("alert-3", "mail", "{}")))
    rows = home.control.connection.execute(
        "select key, release_n, kind, state, attempts from outbox order by key"
    ).fetchall()
    assert [tuple(row) for row in rows] == [
        ("alert-1", 1, "webhook", "pending", 0),
        ("alert-2", 1, "webhook", "pending", 0),
        ("alert-3", 2, "mail", "pending", 0),
    ]


def test_a_commit_that_fails_leaves_readers_and_numbers_alone(home: Home) -> None:
    home.release("a", 1)
    sealed = home.sealed("b", 2)
    home.control.connection.execute("delete from runs where run_id = 'b'")
    with pytest.raises(HoldfastError, match="no run 'b'"):
        commit(home.settings, home.control, sealed, previous=1, fingerprint="f")
    roll_forward(home.settings, home.control)
    assert home.read() == 1
    assert [path.name for path in home.settings.releases_dir.iterdir()] == ["1.duckdb"]
    assert home.release("c", 3).n == 2
    assert home.read() == 3


def test_f74_a_reader_with_the_old_release_open_is_not_disturbed(home: Home) -> None:
    home.release("a", 1)
    with duckdb.connect(str(home.settings.warehouse_link), read_only=True) as reader:
        home.release("b", 2)
        assert reader.execute("select value from core.answer").fetchall() == [(1,)]
    assert home.read() == 2


def test_a_release_that_was_cut_is_not_given_to_readers(home: Home) -> None:
    home.release("a", 1)
    path = home.settings.releases_dir / "1.duckdb"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HoldfastError, match="Restore it from a backup"):
        roll_forward(home.settings, home.control)


def test_a_lost_control_database_does_not_cost_the_releases(home: Home) -> None:
    for n in (1, 2):
        home.release(f"r{n}", n)
    home.control.connection.executescript(
        "drop trigger releases_are_not_deleted; delete from releases;"
    )
    with pytest.raises(HoldfastError, match=r"control\.db was lost"):
        roll_forward(home.settings, home.control)
    names = sorted(path.name for path in home.settings.releases_dir.iterdir())
    assert names == ["1.duckdb", "2.duckdb"]


def test_several_releases_that_nobody_knows_are_kept_even_without_a_link(home: Home) -> None:
    for n in (1, 2):
        home.release(f"r{n}", n)
    home.control.connection.executescript(
        "drop trigger releases_are_not_deleted; delete from releases;"
    )
    home.settings.warehouse_link.unlink()
    with pytest.raises(HoldfastError, match=r"control\.db was lost"):
        roll_forward(home.settings, home.control)
    assert len(list(home.settings.releases_dir.iterdir())) == 2


def test_a_lost_control_database_does_not_cost_the_only_release(home: Home) -> None:
    home.release("a", 1)
    home.control.connection.executescript(
        "drop trigger releases_are_not_deleted; delete from releases;"
    )
    with pytest.raises(HoldfastError, match=r"control\.db was lost"):
        roll_forward(home.settings, home.control)
    assert home.read() == 1


def test_a_file_in_the_place_of_the_link_is_left_alone(home: Home) -> None:
    home.settings.warehouse_link.write_text("somebody's own")
    with pytest.raises(HoldfastError, match="is a file, not the link"):
        home.release("a", 1)
    assert home.settings.warehouse_link.read_text() == "somebody's own"
