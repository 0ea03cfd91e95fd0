"""What the readers of the three formats hand to the gate: batches of rows, and rows set aside."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from orchestration.landing.contract import Table
from orchestration.landing.report import RefusedFileError, Reject

MAX_COLUMNS = 4096


@dataclass(frozen=True)
class Batch:
    """Rows of a file: an array by column name, and the place of each row in the file.

    Args:
        columns: text (null for empty) or typed arrays, all of the length of `file_rows`.
        file_rows: int64, number of the data record in the file from 1.
        lines: int64, line of the file on which the record begins; None where there are no lines.
        rejects: records that are no rows of the table (too few fields, no JSON, …).
        has_empty_texts: whether empty texts were read as null here.
    """

    columns: Mapping[str, pa.Array]
    file_rows: pa.Array
    lines: pa.Array | None
    rejects: tuple[Reject, ...]
    has_empty_texts: bool = False


def extra_columns(names: Iterable[str], table: Table) -> tuple[str, ...]:
    """Columns of a file that the contract does not know, in file order."""
    return tuple(name for name in names if name not in table.column_names)


def check_names(names: list[str], table: Table) -> None:
    """Refuse a file whose columns are not those of its table.

    Raises:
        RefusedFileError: a name is there twice, or a required column is not there.
    """
    if len(names) > MAX_COLUMNS:
        raise RefusedFileError(
            f"it has {len(names)} columns; at most {MAX_COLUMNS} are taken.",
            f"This is probably not a file of {table.label}, or its first line is not the header.",
        )
    for name, times in Counter(names).items():
        if times > 1:
            raise RefusedFileError(
                f"the column {name!r} is there {times} times, so it cannot be said which one "
                "counts.",
                "Land the file again with each column once.",
                name,
            )
    missing = [
        column
        for column in table.column_names
        if column in table.must_be_filled and column not in names
    ]
    if missing:
        extra = extra_columns(names, table)
        hints = [_hint(column, extra) for column in missing]
        raise RefusedFileError(
            f"required column{'s' if len(missing) > 1 else ''} missing: "
            f"{', '.join(f'{c}{h}' for c, h in zip(missing, hints, strict=True))}.",
            f"The columns of {table.label} are {', '.join(table.column_names)}; "
            "name them so (any order) and land the file again.",
            missing[0],
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, if any is."""
    by_plain = {_plain(candidate): candidate for candidate in known}
    matches = difflib.get_close_matches(_plain(name), by_plain, n=1, cutoff=0.6)
    matches += [plain for plain in by_plain if _plain(name) in plain]
    return by_plain[matches[0]] if matches else None


def _hint(column: str, extra: tuple[str, ...]) -> str:
    like = nearest(column, extra)
    return f" (is it {like!r}?)" if like is not None else ""


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
