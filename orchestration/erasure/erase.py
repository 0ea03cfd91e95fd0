"""`make erase`: no byte of a person stays, no figure changes, and nothing brings the person back.

What goes are the texts that the contract calls personal or erasable, in the customer's rows. Keys,
times and money stay: they are pseudonymous, and every published figure hangs on them. A release
that held a text is sealed anew under its number, from its own rows; every figure in it is compared
before the new file takes the place of the old, and the new checksum is in the audit trail.

An erasure is recorded before it changes anything. Killed anywhere, the next start goes on with it
before anything else; each step can be done again.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.control import Control, to_text
from orchestration.erasure.databases import (
    cells_with,
    compact,
    mend_sqlite,
    mend_table,
    write_without,
)
from orchestration.erasure.landed import UNREADABLE, rewrite, rewrite_manifest
from orchestration.erasure.scan import files_with
from orchestration.erasure.subject import find_person
from orchestration.erasure.texts import Person, Value
from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.failpoints import failpoint
from orchestration.landing import ledger
from orchestration.landing.contract import Contract, Table
from orchestration.landing.files import LandedFile, list_landing, sha256_of
from orchestration.landing.gate import run_gate
from orchestration.landing.manifests import is_manifest
from orchestration.landing.raw import create_raw
from orchestration.landing.report import FileState
from orchestration.landing.take_in import remove_leftovers, sync
from orchestration.landing.tombstones import Tombstones, load_tombstones
from orchestration.release.build import remove_build, start_build
from orchestration.settings import Settings
from orchestration.spark.processes import stop as stop_cluster
from orchestration.targets.outbox import DeliveryError, Target
from orchestration.targets.postgres.server import TargetError, server_from
from orchestration.targets.postgres.target import erase_postgres, target_state
from orchestration.targets.workbook import write_workbook
from orchestration.warehouse import open_for_writing

Say = Callable[[str], None]

#: What every run makes anew; it goes as a whole where a text is found in it.
DERIVED = ("dbt", "data_docs", "fault.log")
_WORKBOOK = re.compile(r"(\d{4})-(\d{2})-release-(\d+)\.xlsx")


@dataclass
class Erasure:
    """An erasure under way, and what it came to.

    Attributes:
        erasure_id: its name in the audit trail.
        customer_id: as it was asked for.
        files: landed files that were written anew.
        releases: numbers of the releases that were sealed anew.
        left: files that still hold texts, and why; a person has to see to them.
        waiting: targets that could not be reached; the next start goes on with them.
        shared: how many texts another customer says too; there they stay.
    """

    erasure_id: str
    customer_id: str
    files: list[str] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    shared: int = 0

    def lines(self) -> list[str]:
        """What was done, for people; without a word of what was erased."""
        said = [
            f"Customer {self.customer_id} is erased ({self.erasure_id}): {len(self.files)} landed "
            f"file(s) written anew, {len(self.releases)} release(s) sealed anew, every figure in "
            "them as it was.",
        ]
        if self.shared:
            said.append(
                f"{self.shared} text(s) are said of other customers too and stay in their rows."
            )
        if self.left:
            said += ["Not erased, see to it and erase again:"] + [f"  {file}" for file in self.left]
        if self.waiting:
            said += ["Not reached; the next start goes on with it:"]
            said += [f"  {target}" for target in self.waiting]
        return said


def erase_customer(
    settings: Settings,
    control: Control,
    contract: Contract,
    targets: Sequence[Target],
    customer: str,
    *,
    who: str,
    why: str,
    say: Say = print,
) -> Erasure:
    """Erase a customer: a billing customer with all its accounts, contacts and users.

    Call it while holding the lock of the home folder.

    Args:
        settings: where landing and home folders are.
        control: the control database.
        contract: the raw contract.
        targets: who has copies of releases or notices.
        customer: id of the billing customer, or of one of its accounts.
        who: answers for it.
        why: the reason, without any personal data; it stays.
        say: is given lines of progress.

    Raises:
        ConfigurationError: nobody has that id, there is no reason, or it has personal data.
    """
    if not why.strip():
        raise ConfigurationError("Say why, for those who ask later: REASON='...'.")
    erasure_id = f"erasure-{control.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    say("looking for the customer in what has landed and was released")
    run_gate(settings, control, erasure_id, go_on=True, contract=contract)
    build = start_build(settings, erasure_id)
    with open_for_writing(settings, build.database) as connection:
        create_raw(connection, contract, control, settings)
        person = find_person(
            connection, contract, control, settings, customer, _databases(settings)
        )
    plain = f"{why} {who}".lower()
    if any(re.search(rf"\b{re.escape(name)}\b", plain) for name in person.names if len(name) > 2):
        raise ConfigurationError(
            "The reason (or who) says something that is to be erased, and it stays in the audit "
            "trail. Say why without it, for example by the number of the request."
        )
    _record(control, erasure_id, customer, person, who, why)
    failpoint("erase.recorded")
    return _execute(settings, control, contract, targets, erasure_id, say)


def continue_erasures(
    settings: Settings,
    control: Control,
    contract: Contract,
    targets: Sequence[Target],
    say: Say,
) -> list[Erasure]:
    """Go on with erasures that were broken off; every start calls this before anything else.

    Call it while holding the lock of the home folder.
    """
    rows = control.connection.execute(
        "select erasure_id from erasures where state = 'running' order by rowid"
    ).fetchall()
    done = []
    for row in rows:
        say(f"going on with {row['erasure_id']}")
        done.append(_execute(settings, control, contract, targets, row["erasure_id"], say))
        for line in done[-1].lines():
            say(line)
    if control.connection.execute(
        "select 1 from erasures where state = 'done' and finished_at is null"
    ).fetchone():
        _compact(control)
    return done


def _record(
    control: Control, erasure_id: str, customer: str, person: Person, who: str, why: str
) -> None:
    """From here on the erasure is under way, and its tombstones stand."""
    with control.transaction() as connection:
        connection.execute(
            "insert into erasures (erasure_id, customer_id, at, who, why, state, salt)"
            " values (?, ?, ?, ?, ?, 'running', ?)",
            (erasure_id, customer, to_text(control.now()), who, why, person.tombstones.salt),
        )
        connection.executemany(
            "insert or ignore into erased_ids (erasure_id, kind, id) values (?, ?, ?)",
            [
                (erasure_id, kind, key)
                for kind, keys in person.tombstones.ids.items()
                for key in sorted(keys)
            ],
        )
        connection.executemany(
            "insert into erasure_values (erasure_id, value, is_distinctive, is_shared)"
            " values (?, ?, ?, ?)",
            [(erasure_id, v.text, v.is_distinctive, v.is_shared) for v in person.values],
        )
        details: dict[str, object] = {"erasure": erasure_id, "customer_id": customer, "why": why}
        changed, head = control.redact_audit(person.redact)
        if changed:
            # Who kept the head of the trail elsewhere finds it here again.
            details |= {"entries_redacted": changed, "head_before": head}
        control.append_audit(who, "erasure began", details)


def _execute(
    settings: Settings,
    control: Control,
    contract: Contract,
    targets: Sequence[Target],
    erasure_id: str,
    say: Say,
) -> Erasure:
    """All steps; each does nothing where it is done."""
    row = control.connection.execute(
        "select * from erasures where erasure_id = ?", (erasure_id,)
    ).fetchone()
    person = _person(control, erasure_id)
    erasure = Erasure(erasure_id, row["customer_id"], shared=len(person.shared))
    if settings.build_dir.exists():
        for leftover in settings.build_dir.iterdir():
            remove_build(leftover)
    failpoint("erase.builds_removed")
    say("landed files")
    _erase_landed(settings, control, contract, erasure, person)
    say("releases")
    for release in control.releases():
        _erase_release(settings, control, erasure, person, release.n)
    for path in sorted(settings.as_known_dir.glob("*.duckdb")):
        _erase_as_known(settings, path, person)
    _erase_workbooks(settings, control, erasure)
    failpoint("erase.releases_done")
    say("targets, logs and books")
    _erase_targets(erasure, targets, person)
    _erase_postgres(settings, control, erasure)
    _erase_derived(settings, erasure, person)
    _erase_control(control, person)
    failpoint("erase.control_done")
    _look_again(settings, erasure, person)
    if not erasure.waiting:
        _finish(control, erasure, row["who"], row["why"])
    return erasure


def _person(control: Control, erasure_id: str) -> Person:
    rows = control.connection.execute(
        "select * from erasure_values where erasure_id = ? order by value", (erasure_id,)
    )
    values = [
        Value(row["value"], bool(row["is_distinctive"]), bool(row["is_shared"])) for row in rows
    ]
    return Person(load_tombstones(control), tuple(values))


def _databases(settings: Settings) -> list[Path]:
    return [
        *sorted(settings.releases_dir.glob("[1-9]*.duckdb")),
        *sorted(settings.as_known_dir.glob("*.duckdb")),
    ]


# Landed files, accepted files, quarantine


def _erase_landed(
    settings: Settings, control: Control, contract: Contract, erasure: Erasure, person: Person
) -> None:
    tombstones = person.tombstones
    for file in list_landing(settings.landing, contract).files:
        try:
            partial = rewrite(file, tombstones)
        except UNREADABLE:
            # It never came in; whether it holds anything is seen at the end.
            continue
        except OSError as error:
            erasure.left.append(f"{file.name}: cannot be written ({error.strerror})")
            _take_in_again(control, file)
            continue
        if partial is None:
            continue
        if _is_refused(control, file):
            # What is not read as what it is meant to be is not written as if it were.
            partial.unlink()
            continue
        _replace_content(control, erasure.erasure_id, file, sha256_of(partial))
        failpoint("erase.file_recorded")
        partial.replace(file.path)
        sync(file.path.parent)
        failpoint("erase.file_replaced")
        erasure.files.append(file.name)
    _erase_manifests(settings, control, erasure)
    run_gate(settings, control, erasure.erasure_id, go_on=True, contract=contract)
    failpoint("erase.taken_in")
    _forget_contents(settings, control, contract, erasure.erasure_id, tombstones)


def _is_refused(control: Control, file: LandedFile) -> bool:
    content = ledger.Content(file.table.source, file.table.name, sha256_of(file.path))
    verdict = ledger.verdict_of(control, content)
    return verdict is not None and verdict.state is FileState.REFUSED


def _take_in_again(control: Control, file: LandedFile) -> None:
    """Let the gate read a content anew, with the tombstones there are now."""
    control.connection.execute(
        "update files set contract = '' where source = ? and table_name = ? and sha256 = ?",
        (file.table.source, file.table.name, sha256_of(file.path)),
    )


def _replace_content(control: Control, erasure_id: str, file: LandedFile, sha256: str) -> None:
    """Let the new content of a file take over when it was loaded, and what people said of it."""
    old = (file.table.source, file.table.name, sha256_of(file.path))
    where = "where source = ? and table_name = ? and sha256 = ?"
    with control.transaction() as connection:
        connection.execute(
            "insert or ignore into erasure_contents (erasure_id, source, table_name, sha256, file)"
            " values (?, ?, ?, ?, ?)",
            (erasure_id, *old, file.name),
        )
        for table, other in (
            ("files", {"sha256": sha256, "contract": ""}),
            ("quarantine", {"sha256": sha256, "value": None, "reason": ""}),
        ):
            names = [entry["name"] for entry in connection.execute(f"pragma table_info({table})")]
            wanted = ", ".join("?" if name in other else name for name in names)
            connection.execute(
                f"insert or ignore into {table} select {wanted} from {table} {where}",
                (*(other[name] for name in names if name in other), *old),
            )


def _erase_manifests(settings: Settings, control: Control, erasure: Erasure) -> None:
    """Let the senders' manifests speak of the files as they are now."""
    rows = control.connection.execute(
        "select file from erasure_contents where erasure_id = ?", (erasure.erasure_id,)
    )
    now = {
        row["file"]: (path.stat().st_size, sha256_of(path))
        for row in rows
        if (path := settings.landing / row["file"]).is_file()
    }
    for path in sorted(settings.landing.rglob("*.json")) if now else ():
        if not is_manifest(path.name):
            continue
        folder = path.parent.relative_to(settings.landing)
        near = {
            Path(name).relative_to(folder).as_posix(): value
            for name, value in now.items()
            if Path(name).is_relative_to(folder)
        }
        try:
            rewrite_manifest(path, near)
        except (OSError, ValueError, KeyError, TypeError):
            name = path.relative_to(settings.landing)
            erasure.left.append(f"{name}: speaks of a file as it was, and cannot be mended")


def _forget_contents(
    settings: Settings,
    control: Control,
    contract: Contract,
    erasure_id: str,
    tombstones: Tombstones,
) -> None:
    """Drop the verdicts on contents that hold texts and are not there any more."""
    present = {file.content for file in ledger.present_files(control, settings.landing)}
    rows = control.connection.execute(
        "select source, table_name, sha256, accepted_name, exists (select 1 from erasure_contents"
        " as old where old.erasure_id = ? and (old.source, old.table_name, old.sha256) ="
        " (files.source, files.table_name, files.sha256)) as was_replaced from files",
        (erasure_id,),
    ).fetchall()
    for row in rows:
        content = ledger.Content(row["source"], row["table_name"], row["sha256"])
        table = contract.by_name.get((content.source, content.table))
        if content in present or table is None:
            continue
        name = row["accepted_name"]
        path = None if name is None else settings.accepted_dir / name
        if row["was_replaced"] or (path and path.is_file() and _holds(path, table, tombstones)):
            control.connection.execute(
                "delete from files where source = ? and table_name = ? and sha256 = ?",
                (content.source, content.table, content.sha256),
            )
    remove_leftovers(settings.accepted_dir, ledger.accepted_names(control))


def _holds(path: Path, table: Table, tombstones: Tombstones) -> bool:
    """Whether an accepted file has something that would be taken out of it."""
    with pq.ParquetFile(path) as accepted:
        batches = (pa.Table.from_batches([batch]) for batch in accepted.iter_batches())
        return any(tombstones.forget(rows, table)[2] for rows in batches)


# Releases and what is made of them


def _erase_release(
    settings: Settings, control: Control, erasure: Erasure, person: Person, n: int
) -> None:
    target = settings.releases_dir / f"{n}.duckdb"
    partial = settings.releases_dir / f"erasing-{n}.duckdb"
    sealed = control.connection.execute(
        "select sha256 from resealed_releases where release_n = ? and erasure_id = ?",
        (n, erasure.erasure_id),
    ).fetchone()
    if sealed is None:
        if not target.is_file() or not cells_with(target, person):
            return
        cells = write_without(settings, target, partial, person)
        partial.chmod(0o440)
        sync(partial)
        failpoint("erase.release_written")
        _record_reseal(control, erasure.erasure_id, n, partial, cells)
        failpoint("erase.release_recorded")
    elif not partial.exists():
        erasure.releases.append(n)
        return
    partial.replace(target)
    sync(settings.releases_dir)
    failpoint("erase.release_replaced")
    erasure.releases.append(n)


def _record_reseal(control: Control, erasure_id: str, n: int, path: Path, cells: int) -> None:
    sha256, size = sha256_of(path), path.stat().st_size
    with control.transaction() as connection:
        connection.execute(
            "insert into resealed_releases (release_n, erasure_id, sha256, bytes, resealed_at)"
            " values (?, ?, ?, ?, ?)",
            (n, erasure_id, sha256, size, to_text(control.now())),
        )
        control.append_audit(
            "erasure",
            "release resealed",
            {"release": n, "erasure": erasure_id, "sha256": sha256, "cells": cells},
        )


def _erase_as_known(settings: Settings, path: Path, person: Person) -> None:
    if not cells_with(path, person):
        return
    partial = path.with_name(f"erasing-{path.name}")
    write_without(settings, path, partial, person)
    partial.chmod(0o440)
    sync(partial)
    partial.replace(path)
    sync(path.parent)


def _erase_workbooks(settings: Settings, control: Control, erasure: Erasure) -> None:
    """Write the workbooks of releases that were sealed anew once more."""
    releases = {release.n: release for release in control.releases()}
    for path in sorted((settings.home / "workbooks").glob("*")):
        match = _WORKBOOK.fullmatch(path.name)
        if match is None:
            path.unlink()
            continue
        year, month, n = map(int, match.groups())
        if n not in erasure.releases:
            continue
        try:
            write_workbook(settings, releases[n], date(year, month, 1))
        except HoldfastError as error:
            # Of another policy than the one that reports now: it can be asked for again.
            path.unlink()
            erasure.left.append(f"{path.name}: removed, and not written anew: {error}")


# Everything else


def _erase_targets(erasure: Erasure, targets: Sequence[Target], person: Person) -> None:
    for target in targets:
        erase = getattr(target, "erase", None)
        if erase is None:
            continue
        try:
            erase(person.redact, tuple(erasure.releases))
        except DeliveryError as error:
            erasure.waiting.append(f"{target.name}: {error}")


def _erase_postgres(settings: Settings, control: Control, erasure: Erasure) -> None:
    """Let the database of BI tools have the last release as it is now, and no earlier one."""
    if not erasure.releases:
        return
    server, state = server_from(), target_state(control)
    if server is None:
        if state is not None and state.release_n is not None:
            erasure.waiting.append(
                f"{state.name}: has release {state.release_n} and is not set up now; "
                "set HOLDFAST_POSTGRES_DSN, or drop that database"
            )
        return
    try:
        erase_postgres(server, settings, control, control.latest_release())
    except (TargetError, HoldfastError, psycopg.Error, duckdb.Error, OSError) as error:
        erasure.waiting.append(f"postgres: {server.without_secrets(str(error))}")


def _erase_derived(settings: Settings, erasure: Erasure, person: Person) -> None:
    if erasure.releases:
        # They are made anew from the release as it is now, by whoever starts next.
        for name in ("dashboard", "parquet"):
            shutil.rmtree(settings.home / name, ignore_errors=True)
    # What a run that was broken off left on a cluster goes with the cluster.
    stop_cluster(settings.home)
    for name in DERIVED:
        path = settings.home / name
        if path.is_dir() and files_with(path, person):
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    for database in sorted((settings.home / "dagster").rglob("*.db")):
        mend_sqlite(database, person)


def _erase_control(control: Control, person: Person) -> None:
    control.connection.execute("pragma secure_delete = on")
    _mend_control(control, person)


def _mend_control(control: Control, person: Person) -> None:
    """Take the texts out of what runs, rows in quarantine and messages say."""
    kept = {"audit", "erasures", "erased_ids", "erasure_values", "resealed_releases", "landed"}
    with control.transaction() as connection:
        for row in connection.execute(
            "select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        ).fetchall():
            if row["name"] not in kept and "without rowid" not in str(row["sql"]).lower():
                mend_table(connection, row["name"], person)


def _look_again(settings: Settings, erasure: Erasure, person: Person) -> None:
    """Every byte of home and landing; what is found is told and has to be seen to."""
    control = settings.control_database
    own = frozenset(control.with_name(control.name + end) for end in ("", "-wal", "-shm"))
    folders = [settings.home]
    if not settings.landing.is_relative_to(settings.home):
        folders.append(settings.landing)
    named = " ".join(erasure.left)
    for folder in folders:
        if not folder.exists():
            continue
        for path in files_with(folder, person, but=own):
            name = path.relative_to(folder).as_posix()
            if path.name not in named:
                erasure.left.append(f"{name}: still holds a text of the customer")


def _finish(control: Control, erasure: Erasure, who: str, why: str) -> None:
    """The texts that were looked for go last, and their bytes with them."""
    with control.transaction() as connection:
        for table in ("erasure_values", "erasure_contents"):
            connection.execute(f"delete from {table} where erasure_id = ?", (erasure.erasure_id,))
        connection.execute(
            "update erasures set state = 'done' where erasure_id = ?", (erasure.erasure_id,)
        )
        control.append_audit(
            who,
            "customer erased",
            {
                "erasure": erasure.erasure_id,
                "customer_id": erasure.customer_id,
                "why": why,
                "files": len(erasure.files),
                "releases": erasure.releases,
                "left": len(erasure.left),
            },
        )
    failpoint("erase.finished")
    _compact(control)


def _compact(control: Control) -> None:
    """Leave no byte of what was deleted in control.db; an erasure is finished when it is so."""
    compact(control.connection)
    failpoint("erase.compacted")
    control.connection.execute(
        "update erasures set finished_at = ? where state = 'done' and finished_at is null",
        (to_text(control.now()),),
    )
