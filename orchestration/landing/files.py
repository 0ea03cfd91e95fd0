"""The landing folder: which files are there, what they are, and what their bytes are."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from orchestration.errors import LandingError
from orchestration.landing.batches import nearest
from orchestration.landing.contract import Contract, Table
from orchestration.landing.manifests import is_manifest
from orchestration.landing.report import Ignored, RefusedFileError

_FORMATS = {"parquet": "parquet", "csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl"}
_COMPRESSIONS = ("", ".gz", ".zst")
_SUFFIXES = tuple(
    (f".{ending}{compression}", name)
    for ending, name in _FORMATS.items()
    for compression in _COMPRESSIONS
    if not (name == "parquet" and compression)
)
_FORMATS_TEXT = "not .parquet, .csv or .jsonl (csv and jsonl also .gz, .zst)"
# Data of other kinds: in the folder of a table somebody expects them to be read.
_OTHER_DATA = (
    *(".parquet.gz", ".parquet.zst", ".bz2", ".xz", ".zip", ".7z", ".tar", ".tgz", ".gz", ".zst"),
    *(".json", ".tsv", ".xls", ".xlsx", ".xlsm", ".ods", ".xml", ".avro", ".orc", ".feather"),
    *(".arrow", ".duckdb", ".db", ".sqlite", ".dump"),
)
_MARKERS = frozenset({"_SUCCESS"})
# What a sender's program writes to before it renames; hidden files are left alone as well.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", "~")
# What other kinds of files begin with, by their name; none of them begins a csv or a JSON text.
_BEGINNINGS = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, such as an Excel workbook",
    b"BZh91AY": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"PAR1\x15": "Parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"SQLite format 3": "SQLite",
    b"%PDF": "PDF",
    b"Obj\x01": "Avro",
    b"ARROW1": "Arrow",
}
_NOT_REGULAR = RefusedFileError(
    "it is no regular file, or a link to what is not there.", "Land the file itself."
)
_UNPACKED_BLOCK = 1 << 20
MAX_UNPACKED_FREE = 256 << 20
MAX_UNPACKED_RATIO = 500


@dataclass(frozen=True)
class LandedFile:
    """A file for a table of the contract. `name` is relative to the landing folder."""

    table: Table
    name: str
    path: Path
    format: str
    stamp: Stamp

    @property
    def reading(self) -> str:
        """How its bytes are read, which its name says: format and packing."""
        packing = self.path.suffix.lower()
        return self.format + (packing if packing in _COMPRESSIONS else "")

    def looks_as_named(self) -> bool:
        """Whether its first bytes are what its name says; asked of bytes with two names."""
        head = _head(self.path)
        packing = self.reading.removeprefix(self.format)
        if packing or self.format == "parquet":
            kind = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}.get(packing, b"PAR1")
            return head.startswith(kind)
        is_text = _other_kind(head) is None
        return is_text and head.lstrip().startswith(b"{") == (self.format == "jsonl")


@dataclass(frozen=True)
class Stamp:
    """What changes when a file is written again; the same stamp means the same bytes."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class Listing:
    """What the landing folder holds, in order of name.

    `manifests` are names and paths; `refused` are files that somebody certainly wants to be taken,
    and that cannot be, with the reason.
    """

    files: tuple[LandedFile, ...]
    manifests: tuple[tuple[str, Path], ...]
    ignored: tuple[Ignored, ...]
    refused: tuple[tuple[str, RefusedFileError], ...]


def list_landing(landing: Path, contract: Contract) -> Listing:
    """Find the files of all tables; nothing outside the landing folder is looked at.

    A landing folder that is not there is an empty one.

    Raises:
        LandingError: a link leads out of the landing folder, or a folder cannot be read.
    """
    root = landing.resolve()
    files: list[LandedFile] = []
    manifests: list[tuple[str, Path]] = []
    ignored: list[Ignored] = []
    refused: list[tuple[str, RefusedFileError]] = []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.name.startswith(".") or path.name in _MARKERS:
            continue
        odd = _why_not_to_be_opened(path, root, name)
        if odd is not None:
            refused.append((_printable(name), odd))
            continue
        if is_manifest(path.name):
            if path.is_file():
                manifests.append((name, path))
            else:
                refused.append((name, _NOT_REGULAR))
            continue
        table, reason = _table_of(name, contract)
        lower = path.name.lower()
        file_format = next((f for suffix, f in _SUFFIXES if lower.endswith(suffix)), None)
        is_data = file_format is not None or lower.endswith(_OTHER_DATA)
        if lower.endswith(_UNFINISHED):
            ignored.append(Ignored(name, "by its name not finished; it is taken when renamed"))
        elif is_data and table is None and "; is it " in reason:
            refused.append((name, RefusedFileError(f"{reason}?", "Put it into that folder.")))
        elif table is None:
            ignored.append(Ignored(name, reason + "?" * ("; is it " in reason)))
        elif is_data and file_format is None:
            refused.append((name, RefusedFileError(f"{_FORMATS_TEXT}.", "Export it as one.")))
        elif file_format is None:
            ignored.append(Ignored(name, _FORMATS_TEXT))
        elif not path.is_file():
            refused.append((name, _NOT_REGULAR))
        else:
            files.append(LandedFile(table, name, path, file_format, stamp_of(path)))
    return Listing(tuple(files), tuple(manifests), tuple(ignored), tuple(refused))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError:
        return b""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file as it is now."""
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def sha256_of(path: Path) -> str:
    """Sha256 of the bytes of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a csv or jsonl file, gzip and zstd taken off.

    Reading raises OSError or EOFError where a compressed file is damaged or cut off, and
    RefusedFileError where it unpacks to so much more that it is a bomb.
    """
    name = path.name.lower()
    if name.endswith(".gz"):
        with gzip.open(path, "rb") as unpacked:
            yield _bounded(unpacked, path)
    elif name.endswith(".zst"):
        with pa.input_stream(str(path), compression="zstd") as unpacked:
            yield _bounded(unpacked, path)
    else:
        with path.open("rb") as plain:
            yield plain


def refuse_other_kinds(stream: BinaryIO) -> None:
    """Refuse what is no text at all by its first bytes, which say what it is.

    Raises:
        RefusedFileError: the bytes are those of another kind of file.
    """
    kind = _other_kind(cast(io.BufferedReader, stream).peek(16))
    if kind is not None:
        raise RefusedFileError(
            f"its bytes are those of another kind of file ({kind}), whatever its name says.",
            "Land it as csv, jsonl or Parquet; a packed text is named .csv.gz or .jsonl.zst.",
        )


def _other_kind(head: bytes) -> str | None:
    """What kind of file, other than a text, begins so; None where none is known."""
    return next((kind for start, kind in _BEGINNINGS.items() if head.startswith(start)), None)


def _bounded(unpacked: Any, path: Path) -> BinaryIO:
    """A buffered stream of what is unpacked, that ends a bomb."""
    stream = _Bounded(unpacked, max(MAX_UNPACKED_FREE, MAX_UNPACKED_RATIO * path.stat().st_size))
    return cast(BinaryIO, io.BufferedReader(stream, _UNPACKED_BLOCK))


class _Bounded(io.RawIOBase):
    """Passes bytes on up to a limit."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next into a buffer; returns how much."""
        data = self._stream.read(len(buffer))
        self._limit -= len(data)
        if self._limit < 0:
            raise RefusedFileError(
                f"it unpacks to more than {MAX_UNPACKED_RATIO} times its size.",
                "Land it unpacked if it really is what it should be.",
            )
        buffer[: len(data)] = data
        return len(data)


def _walk(root: Path) -> Iterator[Path]:
    """All files below a folder in order of name; hidden folders are passed over."""

    def refuse(error: OSError) -> None:
        if error.filename != str(root) or not isinstance(error, FileNotFoundError):
            raise LandingError(
                f"The landing folder cannot be read: {error}. Give the run the right to read it."
            )

    found: list[Path] = []
    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=False):
        here = Path(folder)
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [here / name for name in names]
        # A linked folder is not entered; it is listed, so that nobody wonders where it went.
        found += [here / name for name in folders if _is_link(here / name)]
    yield from sorted(found)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        # Too long a path; the walk says so when it comes there.
        return False


def _why_not_to_be_opened(path: Path, root: Path, name: str) -> RefusedFileError | None:
    """What is wrong with a name or link before its bytes are looked at.

    Raises:
        LandingError: a link leads out of the landing folder.
    """
    if _printable(name) != name:
        return RefusedFileError(
            "its name is not UTF-8, so the books cannot name it.", "Give it a name in UTF-8."
        )
    try:
        _refuse_link_outside(path, root, name)
        path.is_file()
    except (OSError, RuntimeError) as error:
        # A ring of links is an error of its own kind in Python.
        reason = getattr(error, "strerror", None) or "its link leads back to itself"
        return RefusedFileError(f"it cannot be looked at: {reason}.", "Land the file itself.")
    return None


def _printable(name: str) -> str:
    """A name as text that can be stored; what is not UTF-8 in it is written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _refuse_link_outside(path: Path, root: Path, name: str) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise LandingError(
            f"{name} is a link that leads out of the landing folder. Nothing outside it is read: "
            "land the file itself, or remove the link."
        )


def _table_of(name: str, contract: Contract) -> tuple[Table | None, str]:
    """The table that a file is for by its folders, or why there is none."""
    parts = name.split("/")
    if len(parts) < 3:
        here = contract.by_name.get((parts[0], parts[-1].partition(".")[0])) if parts[1:] else None
        where = f"; is it for {here.label}" if here is not None else ""
        return None, f"not in a folder <source>/<table>{where}"
    source, table = parts[0], parts[1]
    found = contract.by_name.get((source, table))
    if found is not None:
        return found, ""
    sources = [entry.name for entry in contract.sources]
    if source not in sources:
        return None, f"no source is called {source!r}" + _hint(nearest(source, sources))
    tables = [entry.name for entry in contract.tables if entry.source == source]
    return None, f"{source} has no table {table!r}" + _hint(nearest(table, tables))


def _hint(like: str | None) -> str:
    return f"; is it {like}" if like is not None else ""
