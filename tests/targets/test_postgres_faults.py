"""What a server and its users do to a publication: down, slow, killed, full, in use, needed."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from orchestration.targets.postgres import flip, load
from orchestration.targets.postgres.target import _LOCK, TargetState
from tests.support.postgres import PostgresServer, Proxy
from tests.targets.company import (
    CUSTOMERS,
    HEALTH,
    MARTS,
    MRR,
    Company,
    make_company,
    publish_in_process,
    rows_of,
)


def shown(server: PostgresServer) -> tuple[int, int, int]:
    """Release by the record, by the view, and rows of a mart."""
    with server.connect() as connection:
        row = connection.execute(
            "select (select release_n from ops.publication order by publication_id desc limit 1),"
            " (select release_n from ops.current_release),"
            " (select count(*) from core.dim_customers)"
        ).fetchone()
    assert row is not None
    return row


@contextmanager
def proxy_of(server: PostgresServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    try:
        yield proxy
    finally:
        proxy.close()


def test_f79_a_server_that_is_down_leaves_the_target_behind_until_it_is_up(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    server.stop()
    company.release()
    start = time.monotonic()
    state = company.publish()
    assert time.monotonic() - start < 10
    assert state.is_behind
    assert state.release_n == 1
    assert "Connection refused" in str(state.error)
    assert "BEHIND: shows release 1, not 2" in company.said[-1]
    server.start()
    company.publish()
    server.stop()
    # Nothing new is to be shown; but who cannot be reached may not be called up to date.
    assert company.publish().line(2).startswith("NOT REACHED, last seen at release 2: ")
    server.start()
    state = company.publish()
    assert (state.is_behind, state.error) == (False, None)
    assert shown(server) == (2, 2, rows_of(2))


@pytest.mark.parametrize("point", ["postgres.table_loaded", "postgres.flipping"])
def test_f79_a_server_that_is_killed_during_a_publication(
    server: PostgresServer, company: Company, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it loads, and while the flip is not committed: the old release stands."""
    company.release()
    company.publish()
    company.release()

    killed: list[str] = []

    def kill(name: str) -> None:
        if name == point and not killed:
            killed.append(name)
            server.kill()

    monkeypatch.setattr(load, "failpoint", kill)
    monkeypatch.setattr(flip, "failpoint", kill)
    assert company.publish().is_behind
    server.start()
    assert shown(server) == (1, 1, rows_of(1))
    assert not company.publish().is_behind
    assert shown(server) == (2, 2, rows_of(2))


def test_f79_a_commit_whose_answer_is_lost_is_looked_up(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    company.release()
    with proxy_of(server) as proxy:
        proxy.cut_after = b"COMMIT"
        # The commit of the first table: that session is lost, and the next does it all again.
        assert not company.publish(server.dsn(port=proxy.port)).is_behind
        assert proxy.cuts == 1
        company.release()
        proxy.cut_after = b"insert into ops.publication"
        assert not company.publish(server.dsn(port=proxy.port)).is_behind
        assert proxy.cuts == 2
    assert shown(server) == (3, 3, rows_of(3))
    with server.connect() as connection:
        published = connection.execute("select release_n from ops.publication order by 1")
        assert published.fetchall() == [(1,), (2,), (3,)]


def test_f79_the_flip_is_not_done_twice_when_only_its_answer_is_lost(
    server: PostgresServer, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy lets the server commit the flip, and cuts before the client hears of it."""
    company.release()
    company.publish()
    company.release()
    with proxy_of(server) as proxy:

        def arm(name: str) -> None:
            # The next thing that the client sends is the COMMIT of the flip.
            if name == "postgres.flipping":
                proxy.cut_after = b"COMMIT"

        monkeypatch.setattr(flip, "failpoint", arm)
        state = company.publish(server.dsn(port=proxy.port))
        assert proxy.cuts == 1
    assert not state.is_behind
    assert shown(server) == (2, 2, rows_of(2))
    with server.connect() as connection:
        published = connection.execute("select release_n from ops.publication order by 1")
        assert published.fetchall() == [(1,), (2,)]


def test_f79_a_server_that_stands_still_is_given_up(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    company.release()
    with proxy_of(server) as proxy:
        proxy.frozen = True
        start = time.monotonic()
        # It takes the connection and never says a word.
        state = company.publish(server.dsn(port=proxy.port) + "?connect_timeout=2")
        assert state.is_behind
        assert time.monotonic() - start < 15
        proxy.frozen = False
        proxy.delay = 0.01
        # Slow is not dead.
        assert not company.publish(server.dsn(port=proxy.port)).is_behind
    assert shown(server) == (2, 2, rows_of(2))


def test_f79_a_server_that_stops_answering_amid_a_load_is_given_up(
    server: PostgresServer, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.release()
    company.publish()
    company.release()
    with proxy_of(server) as proxy:

        def freeze(name: str) -> None:
            proxy.frozen |= name == "postgres.table_loaded"

        monkeypatch.setattr(load, "failpoint", freeze)
        start = time.monotonic()
        address = server.dsn(port=proxy.port) + "?connect_timeout=2"
        assert company.publish(address, stall_seconds=1.0).is_behind
        assert time.monotonic() - start < 20
        proxy.frozen = False
    assert not company.publish().is_behind
    assert shown(server) == (2, 2, rows_of(2))


def test_f80_a_long_report_holds_up_the_flip_and_nobody_else(
    server: PostgresServer, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.release()
    company.publish()
    company.release()
    monkeypatch.setattr(flip.flip, "__defaults__", ((100, 200, 400),))
    with server.connect(application_name="month report") as report:
        report.execute("select count(*) from revenue.fct_mrr_by_customer_month")
        others: list[float] = []
        state = _publish_while(server, company, others)
        assert state.is_behind
        assert "the views are in use all the time: session" in str(state.error)
        assert "reads fct_mrr_by_customer_month" in str(state.error)
        # Others waited for one attempt at most, and read the old release.
        assert others
        assert max(others) < 1.5
        assert shown(server) == (1, 1, rows_of(1))
    start = time.monotonic()
    assert not company.publish().is_behind
    # What was loaded is still there: it is compared, and not loaded again.
    assert time.monotonic() - start < 5
    assert shown(server) == (2, 2, rows_of(2))


def _publish_while(server: PostgresServer, company: Company, others: list[float]) -> TargetState:
    """Publish, while somebody reads a mart again and again; how long each look took."""
    over = threading.Event()

    def read() -> None:
        with server.connect(autocommit=True) as connection:
            while not over.is_set():
                start = time.monotonic()
                connection.execute("select count(*) from revenue.fct_mrr_by_customer_month")
                others.append(time.monotonic() - start)
                time.sleep(0.01)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        return company.publish()
    finally:
        over.set()
        reader.join()


def test_f80_a_report_that_ends_in_time_is_waited_for(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    company.release()
    with server.connect() as report:
        report.execute("select count(*) from core.dim_customers")
        threading.Timer(1.0, report.rollback).start()
        assert not company.publish().is_behind
    assert shown(server) == (2, 2, rows_of(2))


def test_f28_what_depends_on_a_view_that_goes_is_named_and_never_dropped(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    with server.connect() as admin:
        admin.execute("create role ben login")
        admin.execute("grant bi_reader to ben")
        admin.execute("create schema reports")
        admin.execute("grant create, usage on schema reports to ben")
    with server.connect("ben") as ben:
        ben.execute(
            "create view reports.mine as select score from customer_success.fct_health_scores"
        )
    without = tuple(mart for mart in MARTS if mart is not HEALTH)
    company.with_marts(*without)
    company.release()
    state = company.publish()
    assert state.is_behind
    assert "view reports.mine depends on view customer_success.fct_health_scores" in str(
        state.error
    )
    assert shown(server) == (1, 1, rows_of(1))
    with server.connect("ben") as ben:
        assert ben.execute("select count(*) from reports.mine").fetchone() == (rows_of(1),)
        ben.execute("drop view reports.mine")
    assert not company.publish().is_behind
    with server.connect() as admin:
        assert admin.execute(
            "select to_regclass('customer_success.fct_health_scores')"
        ).fetchone() == (None,)


def test_f27_a_column_that_goes_or_changes_is_refused_where_somebody_depends_on_it(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    with server.connect() as admin:
        admin.execute("create schema reports")
        admin.execute(
            "create view reports.mrr as select month from revenue.fct_mrr_by_customer_month"
        )
    narrower = replace(MRR, sql=MRR.sql.replace("decimal(18, 2)", "decimal(18, 4)"))
    company.with_marts(*(narrower if mart is MRR else mart for mart in MARTS))
    company.release()
    state = company.publish()
    assert state.is_behind
    assert "view reports.mrr depends on view revenue.fct_mrr_by_customer_month" in str(state.error)
    assert shown(server) == (1, 1, rows_of(1))
    with server.connect() as admin:
        admin.execute("drop view reports.mrr")
    assert not company.publish().is_behind
    with server.connect() as admin:
        # The view was made anew: its readers have their rights by default.
        assert admin.execute(
            "select has_table_privilege('bi_reader', 'revenue.fct_mrr_by_customer_month', 'select')"
        ).fetchone() == (True,)


def test_a_new_column_in_the_middle_harms_nobody(server: PostgresServer, company: Company) -> None:
    company.release()
    company.publish()
    with server.connect() as admin:
        admin.execute("create schema reports")
        admin.execute("create view reports.all as select * from core.dim_customers")
    wider = replace(CUSTOMERS, sql=CUSTOMERS.sql.replace(" as name,", " as name, 'DE' as country,"))
    company.with_marts(*(wider if mart is CUSTOMERS else mart for mart in MARTS))
    company.release()
    assert not company.publish().is_behind
    with server.connect() as admin:
        row = admin.execute("select * from reports.all where customer_id = 'c3'").fetchone()
        assert row == ("c3", "Ada 3", 2, rows_of(2))
        row = admin.execute("select * from core.dim_customers where customer_id = 'c3'").fetchone()
        assert row == ("c3", "Ada 3", 2, rows_of(2), "DE")


def test_f81_the_janitor_keeps_what_is_live_and_what_is_read(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    # A view of somebody with more rights than readers have shows a hidden table.
    with server.connect() as admin:
        admin.execute("create schema reports")
        admin.execute("create view reports.old as select count(*) from rel_1.dim_customers")
    company.release()
    assert not company.publish().is_behind
    assert "rel_1 stays: view reports.old depends on table rel_1.dim_customers" in " ".join(
        company.said
    )
    company.publish()
    with server.connect() as admin:
        assert admin.execute("select * from reports.old").fetchone() == (rows_of(1),)
        admin.execute("drop view reports.old")
    company.publish()
    with server.connect() as admin:
        hidden = admin.execute("select nspname from pg_namespace where nspname like 'rel%'")
        assert hidden.fetchall() == [("rel_2",)]
    assert shown(server) == (2, 2, rows_of(2))


def test_a_database_of_another_warehouse_is_left_alone(
    server: PostgresServer, company: Company, tmp_path: Path
) -> None:
    company.release()
    company.publish()
    other = make_company(tmp_path / "other", server.dsn())
    other.release()
    other.release()
    state = other.publish()
    assert "it belongs to another one" in str(state.error)
    assert shown(server) == (1, 1, rows_of(1))


def test_f79_two_publishers_do_not_meet(server: PostgresServer, company: Company) -> None:
    company.release()
    with server.connect(autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [_LOCK])
        other.execute("select 1")
        processes = multiprocessing.get_context("forkserver")
        process = processes.Process(target=publish_in_process, args=(company, {}))
        process.start()
        time.sleep(0.5)
        assert process.exitcode is None
    process.join(timeout=30)
    assert process.exitcode == 0
    assert shown(server) == (1, 1, rows_of(1))


@pytest.mark.fault("F75")
def test_f79_a_disk_of_the_server_that_is_full(
    server: PostgresServer, company: Company, tmp_path: Path
) -> None:
    """A tablespace of 8 MB: the release stands, and is published once there is space."""
    small = server.folder / "small"
    small.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        shutil.chown(small, "postgres", "postgres")
        with psycopg.connect(server.superuser, autocommit=True) as admin:
            admin.execute(f"create tablespace small location '{small}'")
            admin.execute("grant create on tablespace small to publisher")
            company.release()
            company.publish()
            admin.execute("alter role publisher in database bi set default_tablespace = 'small'")
            company.release(rows=200_000)
            state = company.publish()
            assert state.is_behind
            assert "no space is left on the disk of the server" in str(state.error)
            assert shown(server) == (1, 1, rows_of(1))
            # Nothing half is left to fill the disk.
            assert sum(path.stat().st_size for path in small.rglob("*") if path.is_file()) < 100_000
            admin.execute("alter role publisher in database bi reset default_tablespace")
            assert not company.publish().is_behind
            assert shown(server) == (2, 2, 200_000)
            admin.execute("drop tablespace small")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert list(small.iterdir()) == []
