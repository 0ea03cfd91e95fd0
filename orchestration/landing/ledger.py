"""The gate's part of control.db: what is landed, what became of it, which rows were set aside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from sqlite3 import Row
from typing import Any

from orchestration.control import Control, to_text
from orchestration.landing.files import LandedFile, Stamp
from orchestration.landing.manifests import Total
from orchestration.landing.report import FileState, RefusedFileError
from orchestration.landing.take_in import Taken
from orchestration.settings import Settings


@dataclass(frozen=True)
class Content:
    """The bytes of a file as a delivery for a table: the same content counts once per table."""

    source: str
    table: str
    sha256: str


@dataclass(frozen=True)
class Verdict:
    """What the gate made of a content."""

    state: FileState
    rows_received: int
    rows_accepted: int
    rows_quarantined: int
    accepted_name: str | None
    physical: tuple[tuple[str, str], ...]
    extra_columns: tuple[str, ...]
    totals: Mapping[str, Total]
    loaded_at: datetime | None
    column: str | None
    reason: str | None
    remedy: str | None
    rows_forgotten: int = 0


@dataclass(frozen=True)
class PresentFile:
    """A file that is in the landing folder as of the last run of the gate."""

    name: str
    content: Content
    stamp: Stamp
    is_duplicate: bool
    verdict: Verdict


def known_hashes(control: Control, landing: Path) -> Mapping[tuple[str, Stamp], str]:
    """Sha256 by name and stamp of the files that were in a landing folder before."""
    rows = control.connection.execute(
        "select name, size, mtime_ns, inode, sha256 from landed where landing = ?", (str(landing),)
    )
    return {
        (row["name"], Stamp(row["size"], row["mtime_ns"], row["inode"])): row["sha256"]
        for row in rows
    }


def is_known(control: Control, content: Content, contract: str, settings: Settings) -> bool:
    """Whether there is a verdict by these rules, and its accepted file is there."""
    row = control.connection.execute(
        "select accepted_name from files"
        " where source = ? and table_name = ? and sha256 = ? and contract = ?",
        (content.source, content.table, content.sha256, contract),
    ).fetchone()
    if row is None:
        return False
    name = row["accepted_name"]
    return name is None or (settings.accepted_dir / name).is_file()


def verdict_of(control: Control, content: Content) -> Verdict | None:
    """The verdict on a content, None where there is none yet."""
    row = control.connection.execute(
        "select * from files where source = ? and table_name = ? and sha256 = ?",
        (content.source, content.table, content.sha256),
    ).fetchone()
    return None if row is None else _verdict(row)


def accepted_names(control: Control) -> frozenset[str]:
    """The files in `accepted/` that a verdict names."""
    rows = control.connection.execute(
        "select accepted_name from files where accepted_name is not null"
    )
    return frozenset(row["accepted_name"] for row in rows)


def record_taken(
    control: Control, content: Content, contract: str, file_format: str, taken: Taken, run_id: str
) -> None:
    """Record an accepted file and its rows in quarantine, all or nothing."""
    now = to_text(control.now())
    with control.transaction() as connection:
        connection.execute(
            _UPSERT,
            {
                **_key(content),
                "contract": contract,
                "format": file_format,
                "state": FileState.ACCEPTED,
                "column_name": None,
                "reason": None,
                "remedy": None,
                "rows_received": taken.rows_received,
                "rows_accepted": taken.rows_accepted,
                "rows_quarantined": len(taken.rejects),
                "accepted_name": taken.accepted_name,
                "physical": json.dumps(taken.physical),
                "extra_columns": json.dumps(taken.extra_columns),
                "totals": _totals_text(taken.totals),
                "rows_forgotten": taken.rows_forgotten,
                "first_seen": now,
                "loaded_at": now,
                "run_id": run_id,
            },
        )
        # Under a new contract the rows are judged again; what people said of a row stays said.
        said = {
            (row["file_row"], row["rule"]): row
            for row in connection.execute(
                "select * from quarantine"
                " where source = :source and table_name = :table_name and sha256 = :sha256",
                _key(content),
            )
        }
        _forget_quarantine(control, content)
        connection.executemany(
            _INSERT_QUARANTINE,
            (
                {
                    **_key(content),
                    "file_row": reject.file_row,
                    "line": reject.line,
                    "column_name": reject.column,
                    "value": reject.value,
                    "rule": reject.rule,
                    "reason": reject.reason,
                    "first_seen": now,
                    "run_id": run_id,
                    "state": "open",
                    "row_key": reject.row_key,
                    "row_version": reject.row_version,
                    "acknowledged_at": None,
                    "acknowledged_by": None,
                    "acknowledged_why": None,
                    **_what_was_said(said.get((reject.file_row, reject.rule))),
                }
                for reject in taken.rejects
            ),
        )


def _what_was_said(row: Row | None) -> dict[str, Any]:
    kept = ("first_seen", "state", "acknowledged_at", "acknowledged_by", "acknowledged_why")
    return {} if row is None else {name: row[name] for name in kept}


def record_refused(
    control: Control,
    content: Content,
    contract: str,
    file_format: str,
    error: RefusedFileError,
    run_id: str,
) -> None:
    """Record that a content was refused, and why."""
    with control.transaction() as connection:
        connection.execute(
            _UPSERT,
            {
                **_key(content),
                "contract": contract,
                "format": file_format,
                "state": FileState.REFUSED,
                "column_name": error.column,
                "reason": error.reason,
                "remedy": error.remedy,
                "rows_received": 0,
                "rows_accepted": 0,
                "rows_quarantined": 0,
                "accepted_name": None,
                "physical": "[]",
                "extra_columns": "[]",
                "totals": "{}",
                "rows_forgotten": 0,
                "first_seen": to_text(control.now()),
                "loaded_at": None,
                "run_id": run_id,
            },
        )
        _forget_quarantine(control, content)


def record_listing(
    control: Control, landing: Path, files: Mapping[LandedFile, Content]
) -> tuple[str, ...]:
    """Record what is in the landing folder now.

    Returns:
        Names of files that were there and accepted, and whose content is not there any more.
    """
    with control.transaction() as connection:
        before = connection.execute(
            "select name, source, table_name, sha256 from landed natural join files"
            " where landing = ? and is_present = 1 and state = 'accepted'",
            (str(landing),),
        ).fetchall()
        connection.execute("update landed set is_present = 0 where landing = ?", (str(landing),))
        connection.executemany(
            "insert or replace into landed values (?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                (
                    str(landing),
                    file.name,
                    content.source,
                    content.table,
                    content.sha256,
                    file.stamp.size,
                    file.stamp.mtime_ns,
                    file.stamp.inode,
                )
                for file, content in files.items()
            ),
        )
    now = set(files.values())
    return tuple(
        row["name"]
        for row in before
        if Content(row["source"], row["table_name"], row["sha256"]) not in now
    )


def present_files(control: Control, landing: Path) -> list[PresentFile]:
    """The files of the last run of the gate that a verdict was given on, in order of name."""
    rows = control.connection.execute(
        "select landed.name, landed.size, landed.mtime_ns, landed.inode, files.*"
        " from landed join files using (source, table_name, sha256)"
        " where landing = ? and is_present = 1 order by landed.name",
        (str(landing),),
    )
    seen: set[Content] = set()
    present: list[PresentFile] = []
    for row in rows:
        content = Content(row["source"], row["table_name"], row["sha256"])
        present.append(
            PresentFile(
                name=row["name"],
                content=content,
                stamp=Stamp(row["size"], row["mtime_ns"], row["inode"]),
                is_duplicate=content in seen,
                verdict=_verdict(row),
            )
        )
        seen.add(content)
    return present


_UPSERT = """
    insert into files (
        source, table_name, sha256, contract, format, state, column_name, reason, remedy,
        rows_received, rows_accepted, rows_quarantined, accepted_name, physical, extra_columns,
        totals, rows_forgotten, first_seen, loaded_at, run_id
    ) values (
        :source, :table_name, :sha256, :contract, :format, :state, :column_name, :reason, :remedy,
        :rows_received, :rows_accepted, :rows_quarantined, :accepted_name, :physical,
        :extra_columns, :totals, :rows_forgotten, :first_seen, :loaded_at, :run_id
    ) on conflict (source, table_name, sha256) do update set
        contract = excluded.contract, state = excluded.state,
        column_name = excluded.column_name, reason = excluded.reason, remedy = excluded.remedy,
        rows_received = excluded.rows_received, rows_accepted = excluded.rows_accepted,
        rows_quarantined = excluded.rows_quarantined, accepted_name = excluded.accepted_name,
        physical = excluded.physical, extra_columns = excluded.extra_columns,
        totals = excluded.totals, rows_forgotten = excluded.rows_forgotten,
        -- When it was first accepted never changes.
        loaded_at = coalesce(files.loaded_at, excluded.loaded_at), run_id = excluded.run_id
"""


_INSERT_QUARANTINE = """
    insert into quarantine (
        source, table_name, sha256, file_row, line, column_name, value, rule, reason, first_seen,
        run_id, state, row_key, row_version, acknowledged_at, acknowledged_by, acknowledged_why
    ) values (
        :source, :table_name, :sha256, :file_row, :line, :column_name, :value, :rule, :reason,
        :first_seen, :run_id, :state, :row_key, :row_version, :acknowledged_at, :acknowledged_by,
        :acknowledged_why
    )
"""


def _forget_quarantine(control: Control, content: Content) -> None:
    control.connection.execute(
        "delete from quarantine"
        " where source = :source and table_name = :table_name and sha256 = :sha256",
        _key(content),
    )


def _key(content: Content) -> dict[str, str]:
    return {
        "source": content.source,
        "table_name": content.table,
        "sha256": content.sha256,
    }


def _totals_text(totals: Mapping[str, Total]) -> str:
    return json.dumps({name: (str(total.value), total.unread) for name, total in totals.items()})


def _verdict(row: Row) -> Verdict:
    loaded_at = row["loaded_at"] if row["state"] == FileState.ACCEPTED else None
    return Verdict(
        state=FileState(row["state"]),
        rows_received=row["rows_received"],
        rows_accepted=row["rows_accepted"],
        rows_quarantined=row["rows_quarantined"],
        accepted_name=row["accepted_name"],
        physical=tuple((name, type_) for name, type_ in json.loads(row["physical"])),
        extra_columns=tuple(json.loads(row["extra_columns"])),
        totals={
            name: Total(Decimal(value), unread)
            for name, (value, unread) in json.loads(row["totals"]).items()
        },
        loaded_at=None if loaded_at is None else datetime.fromisoformat(loaded_at),
        column=row["column_name"],
        reason=row["reason"],
        remedy=row["remedy"],
        rows_forgotten=row["rows_forgotten"],
    )
