"""Looking for the texts of a customer in every byte of a folder, also inside packed files."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.erasure.texts import Person, spellings
from orchestration.landing.files import open_unpacked
from orchestration.landing.report import RefusedFileError
from orchestration.warehouse import open_for_reading

_BLOCK = 1 << 22


def files_with(folder: Path, person: Person, *, but: frozenset[Path] = frozenset()) -> list[Path]:
    """The files below a folder that hold a text that was the customer's alone, in order."""
    if not person.everywhere:
        return []
    ways = {way.lower().encode() for text in person.everywhere for way in spellings(text)}
    # Beyond ASCII, capitals of bytes are not known to be any.
    ways |= {way.encode().lower() for text in person.everywhere for way in spellings(text)}
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path not in but and _has(path, ways)
    ]


def _has(path: Path, ways: Collection[bytes]) -> bool:
    longest = max(len(way) for way in ways)
    before = b""
    for block in _contents(path):
        said = before + block.lower()
        if any(way in said for way in ways):
            return True
        before = said[-longest:]
    return False


def _contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they say where they are packed."""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
    name = path.name.lower()
    try:
        if name.endswith((".gz", ".zst")):
            with open_unpacked(path) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        elif name.endswith(".parquet"):
            yield from _parquet_texts(path)
        elif name.endswith((".xlsx", ".zip")):
            with zipfile.ZipFile(path) as packed:
                for entry in packed.namelist():
                    yield packed.read(entry)
        elif name.endswith(".duckdb"):
            yield from _database_texts(path)
    except (
        OSError,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        zipfile.BadZipFile,
        pa.ArrowException,
        duckdb.Error,
        RefusedFileError,
    ):
        # What nobody can unpack was looked at as it is.
        return


def _parquet_texts(path: Path) -> Iterator[bytes]:
    with pq.ParquetFile(path) as landed:
        for batch in landed.iter_batches():
            for column in batch.columns:
                if not pa.types.is_integer(column.type):
                    yield _joined(column.unique().to_pylist() if _is_flat(column) else column)


def _is_flat(column: Any) -> bool:
    return not pa.types.is_nested(column.type)


def _joined(values: Any) -> bytes:
    return "\n".join(str(value) for value in values).lower().encode("utf-8", "replace")


def _database_texts(path: Path) -> Iterator[bytes]:
    with open_for_reading(path) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " join duckdb_tables() using (database_name, schema_name, table_name)"
            " where data_type like '%VARCHAR%' and database_name = current_database()"
        ).fetchall()
        for schema, table, column in columns:
            quoted = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
            cursor = connection.execute(f'select distinct "{column}"::varchar from {quoted}')
            while rows := cursor.fetchmany(100_000):
                yield _joined(text for (text,) in rows)
