"""What the gate says: about each file, about each row it set aside, and in total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FileState(StrEnum):
    """What became of a landed file."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class RefusedFileError(Exception):
    """A file that cannot be taken at all; `column` where one is to blame."""

    def __init__(self, reason: str, remedy: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.column = column


@dataclass(frozen=True)
class Reject:
    """A row set aside: `file_row` counts the data records of the file from 1.

    `row_key` and `row_version` say which row it would have been, None where that cannot be read.
    """

    file_row: int
    line: int | None
    column: str | None
    value: str | None
    rule: str
    reason: str
    row_key: str | None = None
    row_version: str | None = None


@dataclass(frozen=True)
class FileOutcome:
    """One landed file after the gate. `file` is relative to the landing folder.

    `rows_received = rows_accepted + rows_superseded + rows_quarantined`; all are 0 for a refused
    file, and all rows of a duplicate of another file are superseded. `loaded_at` (naive UTC) is
    when its content was first accepted here.
    """

    source: str
    table: str
    file: str
    sha256: str
    state: FileState
    rows_received: int
    rows_accepted: int
    rows_superseded: int
    rows_quarantined: int
    loaded_at: datetime | None
    is_new: bool
    extra_columns: tuple[str, ...]
    column: str | None
    reason: str | None
    remedy: str | None


@dataclass(frozen=True)
class Ignored:
    """Something in the landing folder that the gate left alone, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """What a run of the gate found, in order of file name.

    `gone` were landed before and are not there any more; `remarks` are lines for people.
    """

    run_id: str
    files: tuple[FileOutcome, ...]
    ignored: tuple[Ignored, ...]
    gone: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[FileOutcome, ...]:
        """Files that the run is built from."""
        return self._in_state(FileState.ACCEPTED)

    @property
    def refused(self) -> tuple[FileOutcome, ...]:
        """Files that could not be taken in."""
        return self._in_state(FileState.REFUSED)

    @property
    def duplicates(self) -> tuple[FileOutcome, ...]:
        """Files with the content of an accepted one; they count once."""
        return self._in_state(FileState.DUPLICATE)

    @property
    def rows_received(self) -> int:
        """Rows in all files that were not refused."""
        return sum(file.rows_received for file in self.files)

    @property
    def rows_accepted(self) -> int:
        """Rows that the run is built from."""
        return sum(file.rows_accepted for file in self.files)

    @property
    def rows_superseded(self) -> int:
        """Rows of files that are copies of another."""
        return sum(file.rows_superseded for file in self.files)

    @property
    def rows_quarantined(self) -> int:
        """Rows of accepted files that were set aside."""
        return sum(file.rows_quarantined for file in self.files)

    def lines(self) -> tuple[str, ...]:
        """The report for people, a line each."""
        total = (
            f"landing: {len(self.accepted)} files accepted "
            f"({sum(file.is_new for file in self.accepted)} new), "
            f"{len(self.duplicates)} duplicates, {len(self.refused)} refused, "
            f"{len(self.ignored)} ignored; rows: {self.rows_received} received = "
            f"{self.rows_accepted} accepted + {self.rows_superseded} superseded + "
            f"{self.rows_quarantined} quarantined"
        )
        return (
            total,
            *(describe_refused(file) for file in self.refused),
            *(f"ignored {entry.file}: {entry.reason}" for entry in self.ignored),
            *(
                f"{file.file}: columns outside the contract, left out: "
                + _first(file.extra_columns)
                for file in self.accepted
                if file.extra_columns
            ),
            *self.remarks,
            *(f"{file}: landed before, not there any more" for file in self.gone),
        )

    def _in_state(self, state: FileState) -> tuple[FileOutcome, ...]:
        return tuple(file for file in self.files if file.state is state)


def _first(names: tuple[str, ...], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) if not name.strip() else name for name in names[:most]) + more


def describe_refused(file: FileOutcome) -> str:
    """One line: which file, which column, why, and what to do."""
    where = f"{file.file}, column {file.column}" if file.column else file.file
    return f"refused {where}: {file.reason} {file.remedy or ''}".rstrip()
