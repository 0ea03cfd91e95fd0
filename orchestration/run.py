"""One run of the refresh, from the lock to the release.

The steps are methods in the order of the run; Dagster's assets and checks call them (`assets/`,
`checks.py`) and the command line calls the first ones itself, so that a run with nothing to do
ends before anything heavy is imported.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.acceptance import apply_acceptances, record_holds
from orchestration.books.periods import (
    CloseRequest,
    check_settings_fit,
    month_name,
    record_close,
    request_close,
)
from orchestration.books.restated import (
    NewBooks,
    notice,
    notice_lines,
    read_new_books,
    record_restated,
)
from orchestration.books.tables import (
    Definitions,
    books_digest,
    definitions,
    record_definitions,
    write_books,
)
from orchestration.control import Control, Release
from orchestration.customer_success_seeds import check_customer_success
from orchestration.dictionary import write_dictionary
from orchestration.errors import AuditError, BuildError, ConfigurationError, HoldfastError
from orchestration.failpoints import failpoint
from orchestration.landing.contract import Contract, load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.quarantine import acknowledged_rows
from orchestration.landing.raw import create_raw
from orchestration.landing.report import GateReport
from orchestration.lineage import write_lineage
from orchestration.list_seeds import check_lists
from orchestration.lock import home_lock
from orchestration.policies import SEED, check_policies
from orchestration.release.build import BuildPaths, start_build
from orchestration.release.carry_over import carry_over
from orchestration.release.fingerprint import code_version, fingerprint, input_digest, is_unchanged
from orchestration.release.publish import OutboxMessage, commit, keep_as_known, roll_forward, seal
from orchestration.report import Say, Seldom, readers_see, rejection
from orchestration.results import STAGE_NAMES, Result, Stage, rejecting
from orchestration.run_log import (
    RowAccount,
    RunLogEntry,
    raw_row_counts,
    released_row_counts,
    row_account,
    write_run_log,
)
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.targets.dashboard import converge_dashboard
from orchestration.targets.held import tell_held
from orchestration.targets.mail import email_from
from orchestration.targets.notices import NoticeFile
from orchestration.targets.outbox import Target, deliver_outbox, for_each_target
from orchestration.targets.parquet import converge_parquet
from orchestration.targets.postgres.server import Server, server_from
from orchestration.targets.postgres.target import TargetState, converge_postgres
from orchestration.targets.webhook import webhook_from
from orchestration.targets.workbook import converge_workbook
from orchestration.warehouse import (
    engine_folders,
    open_for_reading,
    open_for_writing,
    table_row_counts,
)
from orchestration.workers import Worker

if TYPE_CHECKING:
    from concurrent.futures import Future

    from expectations.rules import Rule
    from orchestration.dbt_runner import DbtNode


@dataclass
class RefreshRun:
    """A run under way, with the lock held. Steps raise `HoldfastError` and leave readers alone."""

    settings: Settings
    control: Control
    run_id: str
    say: Say
    show: Say
    project_dir: Path
    go_on_without_refused: bool
    code_version: str
    previous: Release | None
    made_by: Definitions
    closing: CloseRequest | None = None
    targets: tuple[Target, ...] = ()
    postgres: Server | None = None
    postgres_state: TargetState | None = None
    results: list[Result] = field(default_factory=list)
    gate: GateReport | None = None
    fingerprint: str | None = None
    build: BuildPaths | None = None
    released: Release | None = None
    as_known: Path | None = None
    notices: list[str] = field(default_factory=list)
    error: HoldfastError | None = None
    _dbt: Worker | None = None
    _suites: Worker | None = None
    _manifest: Future[Path] | None = None
    _models: Future[list[DbtNode]] | None = None
    _marts: Future[list[Result]] | None = None

    @property
    def contract(self) -> Contract:
        """The raw contract of the project that is built."""
        return load_contract(self.project_dir)

    @property
    def data_docs(self) -> Path:
        """The pages of Great Expectations."""
        return self.settings.home / "data_docs"

    def take_in(self) -> bool:
        """Let the landed files through the gate; False if all is as in the last release.

        Raises:
            LandingError: a file cannot be taken in.
        """
        if self.gate is None:
            self.gate = run_gate(
                self.settings,
                self.control,
                self.run_id,
                go_on=self.go_on_without_refused,
                contract=self.contract,
            )
            for line in self.gate.lines():
                self.say(line)
            self.fingerprint = fingerprint(
                self.settings,
                self.gate,
                self.code_version,
                books_digest(self.control, self.closing),
                acknowledged_rows(self.control, self.settings.landing),
            )
        assert self.fingerprint is not None
        return not is_unchanged(self.control, self.fingerprint)

    def warm_up(self) -> None:
        """Start the processes for dbt and Great Expectations; they import while we go on."""
        if self._dbt is not None:
            return
        from expectations import context
        from orchestration import dbt_runner

        if self.settings.target == "spark":
            from orchestration.spark.cluster import thrift_address

            # Said before anything is started.
            thrift_address(self.settings)
        self._dbt = Worker("dbt")
        self._suites = Worker("Great Expectations")
        self._manifest = self._dbt.start(dbt_runner.parse, self.settings, self.project_dir)
        folders = engine_folders(self.settings, self.project_dir)
        self._suites.start(context.begin, self.data_docs, folders)

    def close(self, *, at_once: bool = False) -> None:
        """End the processes that `warm_up` started; at once where the run is broken off."""
        for worker in (self._dbt, self._suites):
            if worker is None:
                continue
            if at_once:
                worker.kill()
            else:
                worker.close()

    def manifest(self) -> Path:
        """The manifest of the dbt project; waits for the parse only where the last one is stale.

        Raises:
            BuildError: the project does not parse.
        """
        from orchestration.dbt_runner import fresh_manifest

        assert self._manifest is not None, "warm_up comes first"
        fresh = fresh_manifest(self.settings, self.project_dir)
        return fresh or _worker(self._dbt).result(self._manifest)

    def create_raw(self) -> dict[tuple[str, str], int]:
        """Start the private build file and its raw views; rows of each by (schema, table)."""
        self.warm_up()
        self.build = start_build(self.settings, self.run_id)
        with open_for_writing(self.settings, self.build.database) as connection:
            create_raw(connection, self.contract, self.control, self.settings)
            write_books(
                connection,
                self.control,
                self.settings,
                run_id=self.run_id,
                code_version=self.code_version,
                made_by=self.made_by,
                request=self.closing,
            )
            carry_over(connection, self._last_release_file(), is_same_code=self._code_is_released())
            counts = raw_row_counts(connection, self.contract)
        failpoint("raw.counted")
        return counts

    def check_raw(self) -> list[Result]:
        """Run the raw suites; if nothing blocks, dbt begins while Dagster writes the results."""
        from expectations.suites.raw import raw_rules
        from expectations.suites.raw_volume import Expected

        before: dict[tuple[str, str], int] = {}
        last_as_of = None
        last = self._compared_release()
        if last is not None:
            with open_for_reading(last) as connection:
                before = released_row_counts(connection)
            last_as_of = self.previous.as_of if self.previous else None
        expected = Expected(self.settings.as_of, tuple(before.items()), last_as_of)
        rules = raw_rules(self.contract, expected)
        found = self._finish_suite(self._start_suite("raw", rules))
        failpoint("raw.checked")
        if not self._is_hopeless():
            self._models = self._start_models()
        return found

    def build_models(self) -> list[DbtNode]:
        """Run dbt; if nothing blocks, the mart suites begin while Dagster writes the results.

        Raises:
            BuildError: dbt could not start.
        """
        from expectations.suites.marts import mart_rules

        models = self._models or self._start_models()
        nodes = _worker(self._dbt).result(models, self.say, self.show)
        self.results.extend(node.result for node in nodes)
        failpoint("models.built")
        if not self._is_hopeless():
            built = {node.result.subject for node in nodes if node.result.stage == "model"}
            rules = [rule for rule in mart_rules() if rule.subject in built]
            self._marts = self._start_suite("marts", rules)
        return nodes

    def built_row_counts(self) -> dict[tuple[str, str], int]:
        """Rows of each table that dbt built, by (schema, table)."""
        with open_for_reading(self._build_paths().database) as connection:
            return table_row_counts(connection)

    def check_marts(self) -> list[Result]:
        """The results of the mart suites."""
        assert self._marts is not None, "build_models starts them"
        found = self._finish_suite(self._marts)
        failpoint("marts.checked")
        return found

    def release(self) -> Release | None:
        """Write the run's own log into the build, seal it, and commit it as the next release.

        What it closes and restates is kept in the same transaction. A run that looks back
        (`known_at`) never becomes the release: its file is put aside, and the result is None.

        Raises:
            AuditError: a check failed that blocks; the marts are not looked at again here. Or the
                month that is to be closed has no figures.
        """
        self.stop_if_rejected()
        self.say("invariants of the run")
        self._write_dictionary()
        self._check_invariants()
        self.stop_if_rejected(at_the_end=True)
        assert self.fingerprint is not None
        entry = RunLogEntry(
            run_id=self.run_id,
            as_of_date=self.settings.as_of,
            known_at=self.settings.known_at,
            input_fingerprint=self.fingerprint,
            code_version=self.code_version,
            published_at=self.control.now(),
            rows=self._rows(),
        )
        build = self._build_paths()
        last = self._last_release_file()
        with open_for_writing(self.settings, build.database) as connection:
            write_run_log(connection, entry, self.results, self.contract, last)
            write_lineage(connection, self.contract)
            books = read_new_books(
                connection, self.run_id, self.closing.close_id if self.closing else None
            )
        failpoint("release.log_written")
        self.say("sealing the build")
        if self.settings.known_at is not None:
            self.as_known = keep_as_known(self.settings, seal(build))
            return None
        if self.closing is not None and not books.closed:
            raise AuditError(
                f"{month_name(self.closing.month)} has no figures under any enabled policy, so "
                "there is nothing to close. Nothing was released."
            )
        previous = self.previous.n if self.previous else 0
        restated = notice(books.restated, previous + 1, self.settings)
        messages = [self._notice(previous + 1), *([restated] if restated else [])]
        self.released = commit(
            self.settings,
            self.control,
            seal(build),
            previous=previous,
            fingerprint=self.fingerprint,
            outbox=for_each_target(messages, self.targets, self.run_id),
            books=lambda n: self._write_books(n, books),
        )
        self.say(f"release {self.released.n} is committed; targets follow")
        self.notices = notice_lines(books.restated, self.settings)
        # What follows from the commit is done by whoever comes first: here, or by the next start.
        roll_forward(self.settings, self.control)
        self.converge()
        return self.released

    def converge(self) -> None:
        """Let every target catch up with the last release."""
        self.postgres_state = _converge(
            self.settings, self.control, self.targets, self.postgres, self.say, self.show
        )

    def _write_books(self, n: int, books: NewBooks) -> None:
        """What the release of that number closes and restates; inside its transaction."""
        record_definitions(self.control, n, self.made_by)
        record_restated(
            self.control, books.restated, release_n=n, run_id=self.run_id, settings=self.settings
        )
        if self.closing is not None:
            record_close(
                self.control,
                self.closing,
                books.closed,
                settings=self.settings,
                release_n=n,
                run_id=self.run_id,
                code_version=self.code_version,
            )

    def _write_dictionary(self) -> None:
        """Let the build say what it has, for those who read or publish it without the project."""
        manifest = json.loads(self.manifest().read_text(encoding="utf-8"))
        with open_for_writing(self.settings, self._build_paths().database) as connection:
            write_dictionary(connection, manifest)

    def _check_invariants(self) -> None:
        """What must hold of the run as a whole, besides the models' own tests."""
        from orchestration.invariants import check_invariants

        with open_for_writing(self.settings, self._build_paths().database) as connection:
            found = check_invariants(
                connection, self.contract, self.control, self._compared_release()
            )
        self.results += self._accepting(found)

    def _accepting(self, found: list[Result]) -> list[Result]:
        return apply_acceptances(self.control, self._input(), found)

    def _input(self) -> str:
        assert self.gate is not None, "take_in comes first"
        return input_digest(self.settings, self.gate, self.code_version)

    def _rows(self) -> RowAccount:
        with open_for_writing(self.settings, self._build_paths().database) as connection:
            return row_account(connection)

    def _notice(self, n: int) -> OutboxMessage:
        """That a release was published: counts and names of the run, no figure and no person."""
        assert self.gate is not None
        content = {
            "release": n,
            "run": self.run_id,
            "as_of": self.settings.as_of.isoformat(),
            "input_fingerprint": self.fingerprint,
            "code_version": self.code_version,
            "rows_received": self.gate.rows_received,
            "rows_accepted": self.gate.rows_accepted,
            "rows_quarantined": self.gate.rows_quarantined,
            "warnings": sum(result.warns for result in self.results),
        }
        return OutboxMessage(f"release/{n}", "release_published", json.dumps(content))

    def stop_if_rejected(self, *, at_the_end: bool = False) -> None:
        """Raise what the failed checks and models so far amount to, if there are any.

        What a person may accept holds the run at its end only, so that all of it is seen at once.
        """
        failed = rejecting(self.results)
        if failed and (at_the_end or self._is_hopeless()):
            record_holds(self.control, self.run_id, self._input(), failed)
            kind = BuildError if any(row.stage == "model" for row in failed) else AuditError
            build = self._build_paths().database
            self.error = kind(rejection(failed, build, self.previous, self.run_id))
            raise self.error

    def _is_hopeless(self) -> bool:
        """Whether something failed that nobody can accept."""
        return any(not result.acceptable for result in rejecting(self.results))

    def _start_suite(self, stage: Stage, rules: list[Rule]) -> Future[list[Result]]:
        from expectations import context

        self.say(f"Great Expectations: {STAGE_NAMES[stage]}")
        warehouse = context.Warehouse(self._build_paths().database, self._compared_release())
        return _worker(self._suites).start(context.run_suite, stage, rules, warehouse)

    def _finish_suite(self, suite: Future[list[Result]]) -> list[Result]:
        from expectations import context

        found = self._accepting(_worker(self._suites).result(suite, self.say, self.show))
        self.results.extend(found)
        # Not waited for: the pages are written while dbt builds, or while the run ends.
        _worker(self._suites).start(context.build_data_docs)
        return found

    def _start_models(self) -> Future[list[DbtNode]]:
        from orchestration import dbt_runner

        # Unit tests say nothing new while the code is that of the last release.
        with_unit_tests = not self._code_is_released()
        self.say("dbt: models and tests" + (", unit tests" if with_unit_tests else ""))
        return _worker(self._dbt).start(
            dbt_runner.build,
            self.settings,
            self._build_paths().database,
            with_unit_tests=with_unit_tests,
            project_dir=self.project_dir,
        )

    def _code_is_released(self) -> bool:
        if self.previous is None:
            return False
        runs = {run.run_id: run for run in self.control.runs()}
        return runs[self.previous.run_id].code_version == self.code_version

    def _last_release_file(self) -> Path | None:
        # A look back is not set beside what came later.
        if self.previous is None or self.settings.known_at is not None:
            return None
        return self.settings.releases_dir / f"{self.previous.n}.duckdb"

    def _compared_release(self) -> Path | None:
        """The file that figures are compared with; what was known earlier is compared with none."""
        return self._last_release_file() if self.settings.known_at is None else None

    def _build_paths(self) -> BuildPaths:
        assert self.build is not None, "create_raw starts the build"
        return self.build


@contextmanager
def open_run(
    settings: Settings,
    say: Say = print,
    *,
    show: Say | None = None,
    go_on_without_refused: bool = False,
    project_dir: Path = DBT_PROJECT_DIR,
    close: date | None = None,
    who: str = "",
) -> Iterator[RefreshRun]:
    """Hold the lock of the home for one run, finish what an earlier one left, record the end.

    `show` is given passing lines (how far a step is); without it, `say` is given a few of them.

    Raises:
        ConfigurationError: a metric policy that cannot be computed, or is not defined; a seed of
            customer success that cannot be used; a target that cannot be used as it is set; or
            settings under which the closed months could not be compared.
        ClosingError: the month `close` cannot be closed.
        LockedError: another run holds the home folder.
    """
    check_policies(project_dir / SEED, settings.enabled_policies)
    check_customer_success((project_dir / SEED).parent)
    check_lists((project_dir / SEED).parent)
    targets = load_targets(settings)
    postgres = server_from()
    with Control(settings.control_database) as control:
        run_id = f"{control.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        with home_lock(settings.home, run_id):
            failpoint("run.locked")
            go_on_erasing(settings, control, project_dir, targets, say)
            roll_forward(settings, control)
            hear = show or Seldom(say).show
            shown = _converge(settings, control, targets, postgres, say, hear)
            check_settings_fit(control, settings)
            closing = None if close is None else request_close(control, settings, close, who)
            code = code_version(project_dir.parent)
            run = RefreshRun(
                settings=settings,
                control=control,
                run_id=run_id,
                say=say,
                show=hear,
                project_dir=project_dir,
                go_on_without_refused=go_on_without_refused,
                code_version=code,
                previous=control.latest_release(),
                made_by=definitions(settings, project_dir),
                closing=closing,
                targets=targets,
                postgres=postgres,
                postgres_state=shown,
            )
            control.start_run(run_id, settings.as_of, code)
            failpoint("run.recorded")
            try:
                yield run
            except BaseException as error:
                if error is not run.error:
                    # A rejection says it itself.
                    error.add_note(readers_see(control.latest_release()))
                # A rejected run still writes the pages that say why; a broken-off one does not.
                run.close(at_once=not isinstance(error, HoldfastError))
                _finish(run, str(error) or type(error).__name__)
                if isinstance(error, Exception):
                    tell_held(run, run.error or error)
                raise
            else:
                _finish(run, None)
                failpoint("run.finished")
                run.close()


def go_on_erasing(
    settings: Settings,
    control: Control,
    project_dir: Path,
    targets: Sequence[Target],
    say: Say,
) -> None:
    """Finish an erasure that was broken off, before anything else is done."""
    if control.connection.execute("select 1 from erasures where finished_at is null").fetchone():
        from orchestration.erasure.erase import continue_erasures

        continue_erasures(settings, control, load_contract(project_dir), targets, say)


def converge_targets(
    settings: Settings, say: Say = print, show: Say | None = None
) -> tuple[Release, TargetState | None]:
    """Let every target catch up with the last release, without a run.

    `show` is given passing lines, as in `open_run`.

    Returns:
        The last release, and how far the database of BI tools is; None where none is set up.

    Raises:
        ConfigurationError: there is no release yet, or a target cannot be used as it is set.
        LockedError: a run holds the home folder; it converges by itself.
    """
    if not settings.control_database.exists():
        raise ConfigurationError("There is no release yet: make run.")
    targets, postgres = load_targets(settings), server_from()
    with Control(settings.control_database) as control, home_lock(settings.home, "publish"):
        release = roll_forward(settings, control)
        if release is None:
            raise ConfigurationError("There is no release yet: make run.")
        hear = show or Seldom(say).show
        return release, _converge(settings, control, targets, postgres, say, hear)


def _converge(
    settings: Settings,
    control: Control,
    targets: Sequence[Target],
    postgres: Server | None,
    say: Say,
    show: Say,
) -> TargetState | None:
    """Each target by itself: none holds up another, or a release."""
    release = control.latest_release()
    deliver_outbox(control, targets, say)
    converge_workbook(settings, release, say, show)
    converge_dashboard(settings, control, release, say, show)
    converge_parquet(settings, release, say)
    return converge_postgres(postgres, settings, control, release, say)


def load_targets(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[Target, ...]:
    """Who is told of a release: the notice file, and webhook and e-mail where there are any.

    Raises:
        ConfigurationError: one of them cannot be used as it is set.
    """
    optional = (webhook_from(environ), email_from(environ))
    return (NoticeFile(settings.home / "notices.jsonl"), *(one for one in optional if one))


def _worker(worker: Worker | None) -> Worker:
    assert worker is not None, "warm_up comes first"
    return worker


def _finish(run: RefreshRun, message: str | None) -> None:
    """Record the end; a release has been recorded by its commit already."""
    if run.error is not None:
        message = str(run.error)
    # A look back leaves the releases as they were.
    unchanged = run.gate is not None and message is None and (run.build is None or run.as_known)
    if run.as_known is not None:
        message = f"as known at {run.settings.known_at}: {run.as_known}"
    state = "released" if run.released else "unchanged" if unchanged else "failed"
    checks = [row for row in run.results if row.stage != "model" and not row.skipped]
    run.control.finish_run(
        run.run_id,
        state,
        fingerprint=run.fingerprint,
        checks_passed=sum(row.passed for row in checks),
        checks_failed=sum(not row.passed for row in checks),
        message=message,
    )
