"""A company whose rows arrive little by little, released again and again, with its books.

What the run does around dbt (clock, control.db, raw_control tables, keeping what was found) is done
here by the same functions, without the gate, Dagster and Great Expectations.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from orchestration.books.periods import CloseRequest, record_close, request_close
from orchestration.books.restated import NewBooks, read_new_books, record_restated
from orchestration.books.tables import definitions, record_definitions, write_books
from orchestration.control import Control, to_text
from orchestration.settings import DBT_PROJECT_DIR, Settings, load_settings
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

Rows = dict[str, list[dict[str, Any]]]
CHECKS = (
    "assert_closed_and_restated_is_current",
    "assert_closed_figures_are_as_closed",
    "unique_combination_fct_mrr_restatements_close_id__release_n__policy_id__customer_id",
)


class Ledger:
    """Deliveries in, releases out; each release is a file that stays.

    Args:
        folder: private folder.
        project: the dbt project.
        start: time of the first delivery, naive UTC; each release is a day later.
        environment: settings of the runs (`HOLDFAST_*`).
    """

    def __init__(
        self, folder: Path, project: DbtProject, start: datetime, **environment: str
    ) -> None:
        self.folder = folder
        self.project = project
        self.now = start
        self.settings = load_settings({"HOLDFAST_HOME": str(folder), **environment})
        self.control = Control(self.settings.control_database, clock=lambda: self.now)
        self.rows: Rows = {}
        self.code = "code 1"

    def land(self, rows: Rows) -> None:
        """Rows arrive, an hour after what was before."""
        self.now += timedelta(hours=1)
        for table, some in rows.items():
            self.rows.setdefault(table, []).extend({**row, "_loaded_at": self.now} for row in some)

    def as_of(self, day: date) -> None:
        """The last day that counts from now on."""
        self.settings = replace(self.settings, as_of=day)

    def release(
        self,
        close: Iterable[date] = (),
        select: Sequence[str] = ("+fct_mrr_restatements", *CHECKS),
        variables: dict[str, Any] | None = None,
    ) -> Path:
        """Build, check, and release what has landed; close a month with it.

        Returns:
            The file of the release.
        """
        self.now += timedelta(days=1)
        latest = self.control.latest_release()
        n = 1 if latest is None else latest.n + 1
        run_id = f"run-{n}"
        months = list(close)
        request = None
        if months:
            request = request_close(self.control, self.settings, months[0], "ada")
        self.control.start_run(run_id, self.settings.as_of, self.code)
        database = self.build(run_id, request, select, variables)
        with duckdb.connect(str(database), read_only=True) as connection:
            books = read_new_books(connection, run_id, request.close_id if request else None)
        self._commit(n, run_id, request, books)
        target = self.folder / f"{n}.duckdb"
        database.replace(target)
        return target

    def build(
        self,
        run_id: str,
        request: CloseRequest | None,
        select: Sequence[str],
        variables: dict[str, Any] | None = None,
    ) -> Path:
        """A build of what has landed, checked, and not released."""
        folder = self.folder / "build" / run_id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        database = folder / DATABASE_NAME
        write_raw_tables(database, self.rows)
        made_by = definitions(self.settings, DBT_PROJECT_DIR)
        with duckdb.connect(str(database)) as connection:
            write_books(
                connection,
                self.control,
                self.settings,
                run_id=run_id,
                code_version=self.code,
                made_by=made_by,
                request=request,
            )
        # Only the tests that are named: those of other marts would want them built.
        with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
            self.project.build(
                database,
                select,
                {**self.settings.dbt_vars(), **(variables or {})},
                with_tests=True,
            )
        return database

    def _commit(self, n: int, run_id: str, request: CloseRequest | None, books: NewBooks) -> None:
        self.now += timedelta(seconds=60)
        settings: Settings = self.settings
        with self.control.transaction() as connection:
            connection.execute(
                "insert into releases (n, run_id, fingerprint, sha256, bytes, published_at, as_of)"
                " values (?, ?, ?, ?, 1, ?, ?)",
                (n, run_id, run_id, run_id, to_text(self.now), settings.as_of.isoformat()),
            )
            record_definitions(self.control, n, definitions(settings, DBT_PROJECT_DIR))
            record_restated(
                self.control, books.restated, release_n=n, run_id=run_id, settings=settings
            )
            if request is not None:
                record_close(
                    self.control,
                    request,
                    books.closed,
                    settings=settings,
                    release_n=n,
                    run_id=run_id,
                    code_version=self.code,
                )


def asked(release: Path, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on a release."""
    # The views of a build name its catalog, which is its file's name; the marts are tables.
    with duckdb.connect(str(release), read_only=True) as connection:
        return connection.execute(sql, list(arguments)).fetchall()
