"""control.db: what every run read, did and decided, in one SQLite file.

One writer at a time (the lock in the home folder), any number of readers. A value that is written
here is on disk when the call returns (WAL, synchronous=FULL). Times are naive UTC texts from the
injected clock. The tables are described in `control_schema.py`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from orchestration.control_schema import MIGRATIONS
from orchestration.errors import HoldfastError, MachineError
from orchestration.machine import SPACE, is_full

Clock = Callable[[], datetime]

_GENESIS = "0" * 64
#: Releases with the checksum of the file as it is now, which an erasure may have sealed anew.
_RELEASES = """
    select n, run_id, fingerprint, published_at, as_of,
        coalesce(resealed.sha256, releases.sha256) as sha256,
        coalesce(resealed.bytes, releases.bytes) as bytes
    from releases left join (
        select release_n, sha256, bytes, max(rowid) from resealed_releases group by release_n
    ) as resealed on resealed.release_n = releases.n
"""


@dataclass(frozen=True)
class Run:
    """A run as recorded; times are naive UTC."""

    run_id: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    as_of: date
    code_version: str
    fingerprint: str | None
    checks_passed: int | None
    checks_failed: int | None
    message: str | None


@dataclass(frozen=True)
class Release:
    """A committed release; `bytes` and `sha256` are those of `releases/<n>.duckdb` now."""

    n: int
    run_id: str
    fingerprint: str
    sha256: str
    bytes: int
    published_at: datetime
    as_of: date


@dataclass(frozen=True)
class AuditEntry:
    """An entry of the audit trail, chained to the one before it by its hash."""

    at: datetime
    who: str
    what: str
    details: Mapping[str, Any]
    hash: str


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Control:
    """The open control database. A context manager; closes on exit."""

    def __init__(self, path: Path, clock: Clock = system_clock) -> None:
        """Open or create the database and bring it to the present schema.

        Raises:
            HoldfastError: it was written by a newer version, or is no such database.
            MachineError: there is no space, or the disk does not do what it should.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        # Autocommit: transactions are only where `transaction` says so. The orchestrator may use
        # the object from another thread than it was made in, but never from two at once.
        self.connection = sqlite3.connect(
            path, isolation_level=None, timeout=30, check_same_thread=False
        )
        self.connection.row_factory = sqlite3.Row
        try:
            self.connection.execute("pragma journal_mode = wal")
            self.connection.execute("pragma synchronous = full")
            self.connection.execute("pragma foreign_keys = on")
            self._migrate()
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise _trouble(path, error) from error
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; everything written is on disk already."""
        self.connection.close()

    def now(self) -> datetime:
        """The time of the injected clock, naive UTC."""
        moment = self._clock()
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; takes the write lock at once, so that what is read stays true.

        Raises:
            MachineError: the disk has no space for what was written; nothing of it was.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        try:
            self.connection.execute("begin immediate")
            yield self.connection
            self.connection.execute("commit")
        except BaseException as error:
            # SQLite itself rolls back what it finds no space for.
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            if isinstance(error, sqlite3.OperationalError):
                raise _trouble(self.path, error) from error
            raise

    # Runs

    def start_run(self, run_id: str, as_of: date, code_version: str) -> None:
        """Record that a run began. Runs that never ended are called interrupted from now on."""
        with self.transaction() as connection:
            now = to_text(self.now())
            connection.execute(
                "update runs set state = 'interrupted', finished_at = ? where state = 'running'",
                (now,),
            )
            connection.execute(
                "insert into runs (run_id, started_at, state, as_of, code_version)"
                " values (?, ?, 'running', ?, ?)",
                (run_id, now, as_of.isoformat(), code_version),
            )

    def finish_run(
        self,
        run_id: str,
        state: str,
        *,
        fingerprint: str | None = None,
        checks_passed: int | None = None,
        checks_failed: int | None = None,
        message: str | None = None,
    ) -> None:
        """Record how a run ended: `released`, `unchanged` or `failed`.

        What is None here keeps what was recorded before. What was released stays released, whatever
        went wrong after the commit.
        """
        with self.transaction() as connection:
            changed = connection.execute(
                "update runs set state = iif(state = 'released', state, ?), finished_at = ?,"
                " fingerprint = coalesce(?, fingerprint),"
                " checks_passed = coalesce(?, checks_passed),"
                " checks_failed = coalesce(?, checks_failed), message = coalesce(?, message)"
                " where run_id = ?",
                (
                    state,
                    to_text(self.now()),
                    fingerprint,
                    checks_passed,
                    checks_failed,
                    message,
                    run_id,
                ),
            ).rowcount
            if changed != 1:
                raise HoldfastError(f"There is no run {run_id!r} in {self.path}.")

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        rows = self.connection.execute("select * from runs order by started_at, rowid").fetchall()
        return [_run(row) for row in rows]

    # Releases

    def releases(self) -> list[Release]:
        """All releases, by number."""
        rows = self.connection.execute(f"{_RELEASES} order by n").fetchall()
        return [_release(row) for row in rows]

    def latest_release(self) -> Release | None:
        """The release with the greatest number: order is by number, never by time."""
        row = self.connection.execute(f"{_RELEASES} order by n desc limit 1").fetchone()
        return None if row is None else _release(row)

    # Audit trail

    def append_audit(self, who: str, what: str, details: Mapping[str, Any]) -> None:
        """Add an entry to the audit trail; `details` is anything that JSON can say."""
        with self.transaction() as connection:
            row = connection.execute("select hash from audit order by id desc limit 1").fetchone()
            previous = _GENESIS if row is None else str(row["hash"])
            at = to_text(self.now())
            text = json.dumps(details, sort_keys=True, ensure_ascii=False)
            connection.execute(
                "insert into audit (at, who, what, details, previous_hash, hash)"
                " values (?, ?, ?, ?, ?, ?)",
                (at, who, what, text, previous, _chain(previous, at, who, what, text)),
            )

    def redact_audit(self, redact: Callable[[str], str]) -> tuple[int, str]:
        """Take personal data out of the trail, and chain it anew from there on; only to erase.

        Returns:
            How many entries are other now, and the head of the trail as it was before.

        Raises:
            HoldfastError: the trail is not whole as it is.
        """
        head = trail[-1].hash if (trail := self.audit_trail()) else _GENESIS
        changed = 0
        previous = _GENESIS
        with self.transaction() as connection, without_triggers(connection, "audit"):
            for row in connection.execute("select * from audit order by id").fetchall():
                details = json.loads(row["details"])
                clean = _redacted(details, redact)
                text = json.dumps(clean, sort_keys=True, ensure_ascii=False)
                who = redact(row["who"])
                is_other = clean != details or who != row["who"]
                changed += is_other
                content = (row["at"], who, row["what"], text if is_other else row["details"])
                link = _chain(previous, *content)
                if link != row["hash"]:
                    connection.execute(
                        "update audit set who = ?, details = ?, previous_hash = ?, hash = ?"
                        " where id = ?",
                        (who, content[3], previous, link, row["id"]),
                    )
                previous = link
        return changed, head

    def audit_trail(self) -> list[AuditEntry]:
        """The whole trail, oldest first.

        Raises:
            HoldfastError: an entry was changed, or one is missing.
        """
        entries: list[AuditEntry] = []
        previous = _GENESIS
        for row in self.connection.execute("select * from audit order by id"):
            content = (row["at"], row["who"], row["what"], row["details"])
            if row["hash"] != _chain(previous, *content):
                raise HoldfastError(
                    f"The audit trail in {self.path} was tampered with at entry {row['id']}."
                )
            previous = row["hash"]
            entries.append(
                AuditEntry(
                    datetime.fromisoformat(row["at"]),
                    row["who"],
                    row["what"],
                    json.loads(row["details"]),
                    row["hash"],
                )
            )
        return entries

    def _migrate(self) -> None:
        present = int(self.connection.execute("pragma user_version").fetchone()[0])
        if present > len(MIGRATIONS):
            raise HoldfastError(
                f"{self.path} has version {present}, this program knows {len(MIGRATIONS)}: it was "
                "written by a newer version. Use that one."
            )
        for version in range(present, len(MIGRATIONS)):
            with self.transaction() as connection:
                for statement in _statements(MIGRATIONS[version]):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {version + 1}")


@contextmanager
def without_triggers(connection: sqlite3.Connection, table: str) -> Iterator[None]:
    """Let rows of an append-only table be changed inside a transaction; only to erase."""
    triggers = connection.execute(
        "select name, sql from sqlite_master where type = 'trigger' and tbl_name = ?", (table,)
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f'drop trigger "{name}"')
    yield
    for _, sql in triggers:
        connection.execute(sql)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """A JSON value with every text in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_redacted(item, redact) for item in value]
    if isinstance(value, dict):
        return {redact(name): _redacted(item, redact) for name, item in value.items()}
    return value


def _trouble(path: Path, error: sqlite3.DatabaseError) -> HoldfastError:
    """What an error of the database comes from: a full disk says so in several ways."""
    if not isinstance(error, sqlite3.OperationalError):
        return HoldfastError(
            f"{path} cannot be used as the control database: {error}. Restore it from a "
            "backup; it knows which releases were committed."
        )
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL or is_full(path.parent):
        return MachineError(f"No space is left on the disk ({path}). {SPACE}")
    return MachineError(
        f"{path} cannot be read or written: {error}. See that its disk is well and that nobody "
        "else writes to it, and run again: nothing is lost."
    )


def to_text(moment: datetime) -> str:
    """How a naive UTC time is stored; texts sort as the times do."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script (`executescript` would commit the transaction under way)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _chain(previous: str, *parts: str) -> str:
    return hashlib.sha256(json.dumps([previous, *parts]).encode()).hexdigest()


def _run(row: sqlite3.Row) -> Run:
    finished = row["finished_at"]
    return Run(
        run_id=row["run_id"],
        started_at=datetime.fromisoformat(row["started_at"]),
        finished_at=None if finished is None else datetime.fromisoformat(finished),
        state=row["state"],
        as_of=date.fromisoformat(row["as_of"]),
        code_version=row["code_version"],
        fingerprint=row["fingerprint"],
        checks_passed=row["checks_passed"],
        checks_failed=row["checks_failed"],
        message=row["message"],
    )


def _release(row: sqlite3.Row) -> Release:
    return Release(
        n=row["n"],
        run_id=row["run_id"],
        fingerprint=row["fingerprint"],
        sha256=row["sha256"],
        bytes=row["bytes"],
        published_at=datetime.fromisoformat(row["published_at"]),
        as_of=date.fromisoformat(row["as_of"]),
    )
