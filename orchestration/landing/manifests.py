"""What a sender says about its files: `_manifest.json`, held against what has landed.

A manifest names files of its own folder or below, and for each any of `bytes`, `sha256`, `rows`
(data records) and `totals` (exact sums of number columns):

    {"files": [
        {"file": "a.csv", "bytes": 82, "sha256": "…", "rows": 3, "totals": {"amount": 1200}}
    ]}

A delivery may bring its own beside earlier ones: `_manifest.<anything>.json` is a manifest too. A
file that is named and is not there, or is not what the manifest says, is refused: a cut that falls
on the end of a record can be seen in no other way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.landing.batches import nearest
from orchestration.landing.report import RefusedFileError

MAX_MANIFEST_BYTES = 64 << 20
_NAME = re.compile(r"_manifest(\..+)?\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_KEYS = ("file", "bytes", "sha256", "rows", "totals")
_KEYS = ("files", "delivery", "created_at")
_REMEDY = "Land the manifest again as the sender's program should have written it."


@dataclass(frozen=True)
class Promise:
    """What one manifest says about one file; names are relative to the landing folder.

    Args:
        manifest: where it is said.
        file: about which file.
        bytes: size of the file.
        sha256: of its bytes, in lower-case hex.
        rows: data records, whether they fit the contract or not.
        totals: sums by column, in the unit of the column.
    """

    manifest: str
    file: str
    bytes: int | None
    sha256: str | None
    rows: int | None
    totals: Mapping[str, Decimal]

    @property
    def confirms_the_bytes(self) -> bool:
        """Whether a file that keeps the promise is certainly whole."""
        return self.bytes is not None or self.sha256 is not None


@dataclass(frozen=True)
class Total:
    """The sum of a number column of a file: `value` over all rows of which it could be read.

    `unread` counts the rows of which it could not, so that the sum says nothing for certain.
    """

    value: Decimal
    unread: int


def is_manifest(name: str) -> bool:
    """Whether a file of that name (without folder) is a manifest."""
    return _NAME.fullmatch(name) is not None


def read_manifest(path: Path, name: str) -> tuple[Promise, ...]:
    """The promises of a manifest; `name` is its own, relative to the landing folder.

    Raises:
        RefusedFileError: it is no manifest: not JSON, a key that is not known, a file outside its
            folder, a number that is none.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise _refused(f"it is longer than {MAX_MANIFEST_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(
            text, parse_float=Decimal, object_pairs_hook=_object, parse_constant=_no_constant
        )
    except OSError as error:
        raise RefusedFileError(
            f"it cannot be read: {error.strerror}.", "Give the run the right to read it."
        ) from None
    except (ValueError, RecursionError) as error:
        raise _refused(f"it is no JSON in UTF-8: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise _refused('it is no object with a list "files"')
    _check_keys(document, _KEYS, "the manifest")
    folder = PurePosixPath(name).parent
    promises = tuple(_promise(entry, name, folder) for entry in document["files"])
    files = [promise.file for promise in promises]
    for file in files:
        if files.count(file) > 1:
            raise _refused(f"it names {file} twice")
    return promises


def check_delivery(manifest: str, promises: Iterable[Promise], landed: Iterable[str]) -> None:
    """Refuse a delivery of which files are missing.

    Raises:
        RefusedFileError: the manifest names files that are not in the landing folder.
    """
    named = [promise.file for promise in promises]
    missing = sorted(set(named) - set(landed))
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        raise RefusedFileError(
            f"the delivery is incomplete: of the {len(named)} files that {manifest} names, "
            f"{len(missing)} are not there: {shown}.",
            "Land what is missing, or remove the manifest if it speaks of files that were moved "
            "away on purpose.",
        )


def check_bytes(promise: Promise, size: int, sha256: str) -> None:
    """Hold the bytes of a file against a promise.

    Raises:
        RefusedFileError: its size or sha256 is another.
    """
    if promise.bytes is not None and promise.bytes != size:
        kind = "cut off" if size < promise.bytes else "longer than it was sent, or another"
        raise RefusedFileError(
            f"it has {size} bytes, {promise.manifest} says {promise.bytes}: it is {kind}.",
            "Land it again, whole.",
        )
    if promise.sha256 is not None and promise.sha256 != sha256:
        raise RefusedFileError(
            f"its sha256 is {sha256}, {promise.manifest} says {promise.sha256}: its bytes were "
            "changed on the way.",
            "Land it again, unchanged.",
        )


def check_content(promise: Promise, rows: int, totals: Mapping[str, Total]) -> str | None:
    """Hold what was read of a file against a promise.

    Args:
        promise: what the sender says.
        rows: data records of the file.
        totals: of the number columns of the table that the file has.

    Returns:
        A remark for the report where a total cannot be held against the promise, else None.

    Raises:
        RefusedFileError: rows or a total are others, or the column of a total is none.
    """
    if promise.rows is not None and promise.rows != rows:
        raise RefusedFileError(
            f"it has {rows} rows, {promise.manifest} says {promise.rows}.",
            "Land it again, whole.",
        )
    unsure = []
    for column, value in promise.totals.items():
        total = totals.get(column)
        if total is None:
            like = nearest(column, totals)
            raise RefusedFileError(
                f"{promise.manifest} gives a total of {column!r}, which is no number column of "
                f"the file{'' if like is None else f' (is it {like!r}?)'}.",
                _REMEDY,
                column,
            )
        if total.unread:
            unsure.append(f"{column} ({total.unread} rows of it cannot be read)")
        elif total.value != value:
            raise RefusedFileError(
                f"its {column} sums to {total.value}, {promise.manifest} says {value}.",
                "Land it again, whole and unchanged.",
                column,
            )
    return f"total not confirmed: {', '.join(unsure)}" if unsure else None


def _promise(entry: object, manifest: str, folder: PurePosixPath) -> Promise:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise _refused('an entry of "files" is no object with a text "file"')
    name = entry["file"]
    _check_keys(entry, _FILE_KEYS, f"the entry of {name!r}")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise _refused(f"{name!r} is no file of its own folder")
    sha256 = entry.get("sha256")
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256.lower())):
        raise _refused(f"the sha256 of {name} is not 64 hex digits")
    return Promise(
        manifest=manifest,
        file=(folder / name).as_posix(),
        bytes=_count(entry, "bytes"),
        sha256=None if sha256 is None else sha256.lower(),
        rows=_count(entry, "rows"),
        totals=_totals(entry),
    )


def _count(entry: Mapping[str, Any], key: str) -> int | None:
    value: object = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(f"{key} of {entry['file']} is no whole number from 0")
    return value


def _totals(entry: Mapping[str, Any]) -> dict[str, Decimal]:
    totals = entry.get("totals")
    if totals is None:
        return {}
    if not isinstance(totals, dict):
        raise _refused(f"totals of {entry['file']} is no object of sums by column")
    return {
        column: _exact(value, f"{column} of {entry['file']}") for column, value in totals.items()
    }


def _exact(value: object, what: str) -> Decimal:
    """A sum, written as a JSON number or as the same in quotes."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text, re.ASCII):
        raise _refused(f"the total of {what} is no number")
    return Decimal(text)


def _check_keys(document: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in document:
        if key not in known:
            like = nearest(key, known)
            raise _refused(
                f"{what} says {key!r}, which nobody would check"
                + (f" (is it {like!r}?)" if like is not None else "")
            )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("an object has the same name twice")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refused(reason: str) -> RefusedFileError:
    return RefusedFileError(f"{reason}.", _REMEDY)
