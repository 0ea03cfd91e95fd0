"""Seal, commit, roll forward.

The commit is one SQLite transaction. What comes before it is rubbish after a crash; what comes
after it is done again by the next start, as often as it takes.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.control import Control, Release, to_text
from orchestration.errors import BuildError, HoldfastError
from orchestration.failpoints import failpoint
from orchestration.release.build import BuildPaths
from orchestration.release.carry_over import HISTORY, SUMS
from orchestration.settings import Settings
from orchestration.warehouse import connect

#: Working tables that somebody reads in a release: what the next build takes over, and the units
#: by which `explain` walks.
KEPT_WORKING_TABLES = frozenset(
    {*SUMS, *HISTORY, ("intermediate", "int_units"), ("intermediate", "int_unit_items")}
)

_HASH_BLOCK = 1 << 20
_RELEASE_NAME = re.compile(r"([1-9][0-9]*)\.duckdb")


@dataclass(frozen=True)
class SealedRelease:
    """A finished warehouse file: tables only, no write-ahead log, read-only, on disk."""

    run_id: str
    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class OutboxMessage:
    """Something to be delivered once the release is committed; `key` makes it one of its kind.

    Attributes:
        key: known to the receiver; the same message never has two.
        kind: what is said, such as `release_published`.
        payload: JSON text without personal data.
        target: who is told (`orchestration/targets`).
    """

    key: str
    kind: str
    payload: str
    target: str = ""


def seal(build: BuildPaths) -> SealedRelease:
    """Make the build file what readers get: no views (they point to files and to this folder's
    catalog), no raw schemas, of the working tables those that are read, everything checkpointed.

    Raises:
        BuildError: the file cannot be opened (another process has it), or keeps a log.
    """
    try:
        with connect(build.database) as connection:
            _drop_working_tables(connection)
            _drop_views(connection)
            failpoint("seal.dropped")
            connection.execute("checkpoint")
            failpoint("seal.checkpointed")
        _compact(build.database)
    except duckdb.Error as error:
        raise BuildError(
            f"{build.database} cannot be sealed: {error}. Nothing was released; run again."
        ) from error
    _assert_no_log(build.database)
    _sync(build.database)
    sha256 = _sha256(build.database)
    build.database.chmod(0o440)
    failpoint("seal.done")
    return SealedRelease(build.run_id, build.database, sha256, build.database.stat().st_size)


def commit(
    settings: Settings,
    control: Control,
    sealed: SealedRelease,
    *,
    previous: int,
    fingerprint: str,
    outbox: Sequence[OutboxMessage] = (),
    books: Callable[[int], None] | None = None,
) -> Release:
    """Release a sealed file as number `previous + 1`, with its outbox, or not at all.

    The run is called released in the same transaction.

    Args:
        settings: where the home folder is.
        control: its control database.
        sealed: what to release.
        previous: the number of the last release (0: none) when the run began.
        fingerprint: what the release depends on.
        outbox: what is to be delivered because of it. A key that is there already stays as it is.
        books: writes what the release closes and restates, given its number, in the same
            transaction.

    Raises:
        HoldfastError: the last release is not `previous` any more.
    """
    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    # The write lock is taken first, so nobody else can commit a number in between.
    with control.transaction() as connection:
        latest = control.latest_release()
        number = 0 if latest is None else latest.n
        if number != previous:
            raise HoldfastError(
                f"Release {number} was committed while this run was building on release "
                f"{previous}. Nothing was released; run again."
            )
        failpoint("commit.locked")
        n = previous + 1
        target = settings.releases_dir / f"{n}.duckdb"
        sealed.path.rename(target)
        _sync(settings.releases_dir)
        failpoint("commit.moved")
        row = connection.execute(
            "select as_of from runs where run_id = ?", (sealed.run_id,)
        ).fetchone()
        if row is None:
            raise HoldfastError(f"There is no run {sealed.run_id!r} in {control.path}.")
        now = to_text(control.now())
        connection.execute(
            "insert into releases (n, run_id, fingerprint, sha256, bytes, published_at, as_of)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (n, sealed.run_id, fingerprint, sealed.sha256, sealed.bytes, now, row["as_of"]),
        )
        put_into_outbox(connection, outbox, now, n)
        if books is not None:
            books(n)
        connection.execute(
            "update runs set state = 'released', finished_at = ?, fingerprint = ? where run_id = ?",
            (now, fingerprint, sealed.run_id),
        )
        control.append_audit(
            "run",
            "release committed",
            {"release": n, "run": sealed.run_id, "sha256": sealed.sha256},
        )
        failpoint("commit.inserted")
    failpoint("commit.committed")
    release = control.latest_release()
    assert release is not None
    return release


def put_into_outbox(
    connection: sqlite3.Connection,
    messages: Sequence[OutboxMessage],
    now: str,
    release_n: int | None = None,
) -> None:
    """Record messages to be delivered, of a release or of none; a key that is there is kept."""
    connection.executemany(
        "insert into outbox (key, release_n, kind, target, payload, created_at, updated_at)"
        " values (?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing",
        [(m.key, release_n, m.kind, m.target, m.payload, now, now) for m in messages],
    )


def keep_as_known(settings: Settings, sealed: SealedRelease) -> Path:
    """Put a finished build that looks back aside, as `as_known/<known at>.duckdb`.

    It never becomes the release. The same look again replaces the file; who has the old one open
    keeps it.
    """
    assert settings.known_at is not None, "only a run with known_at looks back"
    settings.as_known_dir.mkdir(parents=True, exist_ok=True)
    target = settings.as_known_dir / f"{settings.known_at:%Y-%m-%dT%H%M%S}Z.duckdb"
    sealed.path.replace(target)
    _sync(settings.as_known_dir)
    return target


def roll_forward(settings: Settings, control: Control) -> Release | None:
    """Do what follows from the last commit: readers get its file. Every start calls this.

    A file that a dead run moved to the releases without committing it is removed. Call it while
    holding the lock of the home folder.

    Returns:
        The last release, None if there is none.

    Raises:
        HoldfastError: the files and control.db do not belong together; nothing was changed.
    """
    latest = control.latest_release()
    number = 0 if latest is None else latest.n
    _remove_orphan(settings, number)
    if latest is None:
        return None
    target = settings.releases_dir / f"{number}.duckdb"
    if not target.is_file() or target.stat().st_size != latest.bytes:
        raise HoldfastError(
            f"{target} is not the file that was released (size {latest.bytes} bytes, sha256 "
            f"{latest.sha256}). Restore it from a backup."
        )
    _assert_no_log(target)
    _point(settings.warehouse_link, Path(target.parent.name) / target.name)
    return latest


def latest_release(control: Control) -> Release | None:
    """The last committed release, None if there is none."""
    return control.latest_release()


def _drop_views(connection: duckdb.DuckDBPyConnection) -> None:
    # Staging tables hold personal data; views name the landing files and the build's catalog.
    for schema, view in connection.execute(
        "select schema_name, view_name from duckdb_views()"
        " where not internal and database_name = current_database() order by all"
    ).fetchall():
        connection.execute(f"drop view {_name(schema)}.{_name(view)}")
    for (schema,) in connection.execute(
        "select schema_name from duckdb_schemas() where not internal"
        " and database_name = current_database() and schema_name <> 'main'"
        " and (starts_with(schema_name, 'raw_') or schema_name = 'staging' or schema_name not in"
        "   (select schema_name from duckdb_tables() where database_name = current_database()))"
        " order by all"
    ).fetchall():
        connection.execute(f"drop schema {_name(schema)} cascade")


def _drop_working_tables(connection: duckdb.DuckDBPyConnection) -> None:
    # Two thirds of a build, which nobody reads once the marts are there.
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and schema_name = 'intermediate' order by all"
    ).fetchall()
    for schema, table in tables:
        if (schema, table) not in KEPT_WORKING_TABLES:
            connection.execute(f"drop table {_name(schema)}.{_name(table)}")


def _compact(database: Path) -> None:
    """Write the file anew from its rows.

    The blocks of what was dropped (staging, with personal data) are free, but their bytes stay; a
    new file has none of them.
    """
    compact = database.with_name(f"compact-{database.name}")
    compact.unlink(missing_ok=True)
    with connect(compact) as connection:
        connection.execute(
            f"attach '{str(database).replace(chr(39), chr(39) * 2)}' as build (read_only)"
        )
        connection.execute(f"copy from database build to {_name(compact.stem)}")
        connection.execute("detach build")
        connection.execute("checkpoint")
    _assert_no_log(compact)
    compact.replace(database)
    failpoint("seal.compacted")


def _remove_orphan(settings: Settings, latest: int) -> None:
    """Remove `releases/<latest + 1>`; a crash leaves no other, so any other is a sign of worse."""
    newer = sorted(n for n in _release_numbers(settings.releases_dir) if n > latest)
    pointed = _pointed_number(settings.warehouse_link)
    if newer not in ([], [latest + 1]) or (pointed is not None and pointed > latest):
        raise HoldfastError(
            f"{settings.home} has releases that its control.db does not know (it ends at "
            f"{latest}): control.db was lost or replaced. Restore it from a backup, or move the "
            "releases away."
        )
    for n in newer:
        (settings.releases_dir / f"{n}.duckdb").unlink()
        failpoint("roll_forward.orphan_removed")


def _release_numbers(folder: Path) -> Iterable[int]:
    if folder.is_dir():
        for path in folder.iterdir():
            match = _RELEASE_NAME.fullmatch(path.name)
            if match:
                yield int(match.group(1))


def _pointed_number(link: Path) -> int | None:
    match = _RELEASE_NAME.fullmatch(link.readlink().name) if link.is_symlink() else None
    return None if match is None else int(match.group(1))


def _point(link: Path, target: Path) -> None:
    """Point a link to a relative target; readers see the old one or the new one, never none."""
    if link.is_symlink() and link.readlink() == target:
        return
    if link.exists() and not link.is_symlink():
        raise HoldfastError(f"{link} is a file, not the link to the current release. Move it away.")
    temporary = link.with_name(f".{link.name}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    failpoint("roll_forward.link_made")
    temporary.replace(link)
    _sync(link.parent)
    failpoint("roll_forward.link_replaced")


def _assert_no_log(database: Path) -> None:
    log = database.with_name(f"{database.name}.wal")
    if log.exists():
        raise BuildError(
            f"{log} stands beside {database.name}: something wrote to it after it was sealed, or "
            "has it open. Nothing was released; close it and run again."
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
