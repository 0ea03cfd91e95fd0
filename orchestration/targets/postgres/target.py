"""Publishing the last release, and what is known of it: every start converges.

The server decides what is live; `targets` in control.db only remembers what it was last seen to
be, for the report and for `make verify`. Nothing that goes wrong here holds up a release.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import psycopg

from orchestration.control import Control, Release, to_text
from orchestration.failpoints import failpoint
from orchestration.settings import Settings
from orchestration.targets.postgres.dictionary import read_tables
from orchestration.targets.postgres.flip import flip
from orchestration.targets.postgres.janitor import clean, drop_hidden, hidden_schemas
from orchestration.targets.postgres.layout import live, prepare
from orchestration.targets.postgres.load import compare, compared, is_loaded, load
from orchestration.targets.postgres.server import Server, TargetError, Watchdog, pause
from orchestration.warehouse import open_for_reading

Say = Callable[[str], None]

NAME = "postgres"
#: Sessions that are lost or refused: a server that restarts is back after a moment.
ATTEMPTS = 3
#: One publisher at a time; any number will do, as long as it is always the same.
_LOCK = 0x486F6C6466617374


@dataclass(frozen=True)
class TargetState:
    """What is known of a target; `release_n` is what it shows, None: nothing, or not known."""

    name: str
    release_n: int | None
    is_behind: bool
    error: str | None
    attempted_at: datetime

    def line(self, latest: int) -> str:
        """A sentence for people."""
        if not self.is_behind:
            return f"release {self.release_n}"
        if self.release_n == latest:
            seen = f"NOT REACHED, last seen at release {latest}"
        else:
            shows = "nothing yet" if self.release_n is None else f"release {self.release_n}"
            seen = f"BEHIND: shows {shows}, not {latest}"
        return (
            f"{seen}: {self.error}. "
            "The release stands; the next start tries again, and so does make publish"
        )


def converge_postgres(
    server: Server | None,
    settings: Settings,
    control: Control,
    release: Release | None,
    say: Say,
) -> TargetState | None:
    """Let the views of the server show the last release, and note how far that came.

    Call it while holding the lock of the home folder. It raises nothing for what the server does.
    """
    if server is None or release is None:
        return None
    before = target_state(control)
    shown = before.release_n if before else None
    is_behind, error = False, None
    try:
        published = publish(server, settings, control, release)
    except (TargetError, psycopg.Error, duckdb.Error, OSError) as reason:
        is_behind, error = True, server.without_secrets(_said(reason))
    else:
        shown = release.n
        for line in published.left:
            say(f"{NAME}: {line}; the next publication removes it")
        if published.rows is not None:
            say(f"{NAME}: release {release.n} is live, {published.rows:,} rows compared")
    failpoint("postgres.published")
    state = _record(control, shown, is_behind=is_behind, error=error)
    if is_behind:
        say(f"{NAME}: {state.line(release.n)}")
    return state


@dataclass(frozen=True)
class Published:
    """What a publication did: rows of all tables (None: it was live), what could not be removed."""

    rows: int | None
    left: tuple[str, ...]


def publish(
    server: Server, settings: Settings, control: Control, release: Release, *, anew: bool = False
) -> Published:
    """Publish a release, unless it is live; `anew` loads it again where it is.

    Raises:
        TargetError: it cannot be published; the views show what they showed.
        psycopg.Error: the server refused something, or went away.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _publish(server, settings, control, release, anew=anew)
        except psycopg.errors.DiskFull as error:
            raise TargetError(
                f"no space is left on the disk of the server ({error.diag.message_primary}). Free "
                "some there"
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if attempt == ATTEMPTS or not _is_lost(error):
                raise
            pause(attempt)
    raise AssertionError("unreachable")


def erase_postgres(
    server: Server | None, settings: Settings, control: Control, release: Release | None
) -> None:
    """Let nothing of any earlier release be on the server: load the last one again, drop the rest.

    For the erasure of a person: call it once the release file is without the person. What readers
    copied into tables of their own is theirs to erase.

    Raises:
        TargetError: the last release could not be loaded, or a hidden schema could not be dropped
            (named, with who shows it); call it again.
    """
    if server is None or release is None:
        return
    try:
        published = publish(server, settings, control, release, anew=True)
    except psycopg.Error as error:
        raise TargetError(server.without_secrets(_said(error))) from None
    _record(control, release.n, is_behind=False, error=None)
    if published.left:
        raise TargetError("; ".join(published.left), again=True)


def verify_postgres(
    server: Server | None, settings: Settings, control: Control
) -> tuple[list[str], list[str]]:
    """Look whether the server shows what was released: lines of what is so, and of what is wrong.

    A server that is behind or cannot be reached is no fault of what was committed.
    """
    release = control.latest_release()
    if server is None or release is None:
        state = target_state(control)
        if server is None and state is not None:
            return [f"{NAME}: {state.line(release.n if release else 0)} (not set up now)"], []
        return [], []
    try:
        with server.connect() as connection, Watchdog(connection, server.stall_seconds) as watchdog:
            now = live(connection)
            if now is None:
                return [f"{NAME}: shows nothing yet; make publish"], []
            _check_is_ours(now.release_n, now.run_id, control)
            file = settings.releases_dir / f"{now.release_n}.duckdb"
            with open_for_reading(file) as opened:
                tables = read_tables(opened)
                wrong, rows = compare(connection, opened, tables, now.hidden_schema, watchdog)
    except (TargetError, psycopg.Error, duckdb.Error, OSError) as error:
        return [f"{NAME}: cannot be looked at: {server.without_secrets(_said(error))}"], []
    behind = "" if now.release_n == release.n else f", BEHIND release {release.n}; make publish"
    lines = [f"{NAME}: shows release {now.release_n} ({rows:,} rows compared){behind}"]
    return lines, [f"{NAME}: {line}" for line in wrong]


def target_state(control: Control) -> TargetState | None:
    """What was last known of the target; None where there never was one."""
    row = control.connection.execute("select * from targets where name = ?", (NAME,)).fetchone()
    if row is None:
        return None
    return TargetState(
        name=row["name"],
        release_n=row["release_n"],
        is_behind=row["state"] == "behind",
        error=row["error"],
        attempted_at=datetime.fromisoformat(row["attempted_at"]),
    )


def _publish(
    server: Server, settings: Settings, control: Control, release: Release, *, anew: bool
) -> Published:
    with server.connect() as connection, Watchdog(connection, server.stall_seconds) as watchdog:
        failpoint("postgres.connected")
        try:
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        except psycopg.errors.LockNotAvailable:
            raise TargetError("another session publishes there", again=True) from None
        now = live(connection)
        if now is not None:
            _check_is_ours(now.release_n, now.run_id, control)
            if now.run_id == release.run_id and now.sha256 == release.sha256 and not anew:
                return Published(None, tuple(clean(connection)))
        with open_for_reading(settings.releases_dir / f"{release.n}.duckdb") as opened:
            tables = read_tables(opened)
            prepare(connection, tables)
            taken = now.hidden_schema if now else ""
            hidden = _free_name(f"rel_{release.n}", taken)
            mark = f"holdfast: complete, sha256 {release.sha256}"
            try:
                if is_loaded(connection, hidden, mark) and not anew:
                    rows = compared(connection, opened, tables, hidden, watchdog)
                else:
                    if hidden in hidden_schemas(connection):
                        drop_hidden(connection, hidden)
                    rows = load(connection, opened, tables, hidden, mark, watchdog)
            except (psycopg.Error, TargetError):
                _give_up(connection, hidden)
                raise
            watchdog.tick()
            flip(connection, tables, hidden, release, rows)
        return Published(rows, tuple(clean(connection)))


def _free_name(name: str, taken: str) -> str:
    """A hidden schema beside the live one; a release that is loaded again needs another name."""
    if taken != name and not taken.startswith(f"{name}_"):
        return name
    last = taken.removeprefix(name).removeprefix("_")
    return f"{name}_{int(last or 1) + 1}"


def _give_up(connection: psycopg.Connection[Any], hidden: str) -> None:
    """Leave no half of a release on a server that may have no space; the next attempt would."""
    if connection.closed or connection.broken:
        return
    try:
        if hidden in hidden_schemas(connection):
            drop_hidden(connection, hidden)
    except psycopg.Error:
        return


def _check_is_ours(release_n: int, run_id: str, control: Control) -> None:
    known = {release.n: release.run_id for release in control.releases()}
    if known.get(release_n) != run_id:
        raise TargetError(
            f"the database shows release {release_n} of run {run_id}, which this warehouse never "
            "made: it belongs to another one. Use a database of its own"
        )


def _is_lost(error: psycopg.Error) -> bool:
    """Whether another session may fare better: there was none, or it went away."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def _said(error: BaseException) -> str:
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        return f"{error.diag.message_primary}{detail} [{error.sqlstate}]"
    return str(error) or type(error).__name__


def _record(
    control: Control, release_n: int | None, *, is_behind: bool, error: str | None
) -> TargetState:
    state = TargetState(NAME, release_n, is_behind, error, control.now())
    with control.transaction() as connection:
        connection.execute(
            "insert into targets (name, release_n, state, error, attempted_at)"
            " values (?, ?, ?, ?, ?) on conflict (name) do update set"
            " release_n = excluded.release_n, state = excluded.state, error = excluded.error,"
            " attempted_at = excluded.attempted_at",
            (
                NAME,
                release_n,
                "behind" if is_behind else "current",
                error,
                to_text(state.attempted_at),
            ),
        )
    failpoint("postgres.recorded")
    return state
