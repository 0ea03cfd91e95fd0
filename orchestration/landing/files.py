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
from typing import BinaryIO, cast

import pyarrow as pa

from orchestration.errors import LandingError
from orchestration.landing.batches import nearest
from orchestration.landing.contract import Contract, Table
from orchestration.landing.report import Ignored

_FORMATS = ("parquet", "csv", "jsonl")
_COMPRESSIONS = ("", ".gz", ".zst")
_SUFFIXES = tuple(
    (f".{name}{compression}", name)
    for name in _FORMATS
    for compression in _COMPRESSIONS
    if not (name == "parquet" and compression)
)
_MARKERS = frozenset({"_manifest.json", "_SUCCESS"})
_HASH_BLOCK = 1 << 20


@dataclass(frozen=True)
class LandedFile:
    """A file for a table of the contract. `name` is relative to the landing folder."""

    table: Table
    name: str
    path: Path
    format: str
    stamp: Stamp


@dataclass(frozen=True)
class Stamp:
    """What changes when a file is written again; the same stamp means the same bytes."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class Listing:
    """What the landing folder holds, in order of name."""

    files: tuple[LandedFile, ...]
    ignored: tuple[Ignored, ...]


def list_landing(landing: Path, contract: Contract) -> Listing:
    """Find the files of all tables; nothing outside the landing folder is looked at.

    A landing folder that is not there is an empty one.

    Raises:
        LandingError: a link leads out of the landing folder, or a folder cannot be read.
    """
    root = landing.resolve()
    files: list[LandedFile] = []
    ignored: list[Ignored] = []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.name.startswith(".") or path.name in _MARKERS:
            continue
        _refuse_link_outside(path, root, name)
        table, reason = _table_of(name, contract)
        file_format = next((f for suffix, f in _SUFFIXES if path.name.endswith(suffix)), None)
        if table is None:
            ignored.append(Ignored(name, reason))
        elif file_format is None:
            ignored.append(
                Ignored(name, "not .parquet, .csv or .jsonl (csv and jsonl also .gz, .zst)")
            )
        elif not path.is_file():
            ignored.append(Ignored(name, "not a regular file"))
        else:
            files.append(LandedFile(table, name, path, file_format, stamp_of(path)))
    return Listing(tuple(files), tuple(ignored))


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file as it is now."""
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def sha256_of(path: Path) -> str:
    """Sha256 of the bytes of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a csv or jsonl file, gzip and zstd taken off.

    Reading raises OSError or EOFError where a compressed file is damaged or cut off.
    """
    if path.name.endswith(".gz"):
        with gzip.open(path, "rb") as stream:
            yield cast(BinaryIO, stream)
    elif path.name.endswith(".zst"):
        with pa.input_stream(str(path), compression="zstd") as packed:
            # Arrow's streams have no readline.
            yield cast(BinaryIO, io.BufferedReader(packed))
    else:
        with path.open("rb") as plain:
            yield plain


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
        found += [here / name for name in folders if (here / name).is_symlink()]
    yield from sorted(found)


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
        return None, "not in a folder <source>/<table>"
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
    return f"; is it {like}?" if like is not None else ""
