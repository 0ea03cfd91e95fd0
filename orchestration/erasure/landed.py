"""Landed files: finding the rows of a customer, and writing the files again without what they say.

A file keeps its name, its number and order of records, its keys, times and money; every other byte
is copied as it is. The same file and customer give the same bytes, so a broken-off erasure is done
again without harm.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.failpoints import failpoint
from orchestration.landing.contract import Column, Table
from orchestration.landing.files import LandedFile, open_unpacked
from orchestration.landing.report import RefusedFileError
from orchestration.landing.take_in import sync
from orchestration.landing.tombstones import Tombstones, blank, goes, is_personal_id

_BOM = b"\xef\xbb\xbf"
_NUMBER = "\x00number:"
_NUMBERS = re.compile(r'"\\u0000number:([^"]*)"')

#: What a file raises that is not what its name says; the gate refuses such files.
UNREADABLE = (ValueError, csv.Error, EOFError, zlib.error, pa.ArrowException, RefusedFileError)

#: Is told the column and the value of what goes.
Seen = Callable[[str, Any], None]


def personal_texts(file: LandedFile, tombstones: Tombstones) -> dict[str, bool]:
    """What a file says of the erased where it would be blanked: names, addresses, comments.

    Returns:
        The texts, and whether they are the whole of a column of the contract; parts of JSON and
        columns that the contract does not know are not.
    """
    found: dict[str, bool] = {}

    def see(column: str, value: Any) -> None:
        is_known = column in file.table.column_names
        for text in _texts(value):
            found[text] = found.get(text, False) or (is_known and text == value)

    _go_through(file, tombstones, None, see)
    return found


def rewrite(file: LandedFile, tombstones: Tombstones) -> Path | None:
    """Write a file without the personal data of the erased, beside it under a hidden name.

    Returns:
        The new file, on disk, to be put in the place of the old; None where nothing is to change.

    Raises:
        OSError: the folder cannot be written to.
    """
    changes: list[str] = []
    _go_through(file, tombstones, None, lambda column, value: changes.append(column))
    if not changes:
        return None
    partial = file.path.with_name(f".{file.path.name}.erasing")
    with ExitStack() as stack:
        raw = stack.enter_context(partial.open("wb"))
        out: BinaryIO = raw
        name = file.path.name.lower()
        if name.endswith(".gz"):
            # Neither name nor time, so that the bytes depend on the content alone.
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
            out = cast(BinaryIO, stack.enter_context(packed))
        elif name.endswith(".zst"):
            out = stack.enter_context(pa.output_stream(raw, compression="zstd"))
        _go_through(file, tombstones, out, lambda column, value: None)
    status = file.path.stat()
    partial.chmod(status.st_mode & 0o7777)
    failpoint("erase.file_written")
    sync(partial)
    return partial


def _go_through(file: LandedFile, tombstones: Tombstones, out: BinaryIO | None, seen: Seen) -> None:
    """Read a file; tell what goes, and write what stays."""
    if not tombstones.of(file.table):
        return
    if file.format == "parquet":
        _parquet(file.path, file.table, tombstones, out, seen)
        return
    with open_unpacked(file.path) as stream:
        records = _csv if file.format == "csv" else _jsonl
        for raw in records(stream, file.table, tombstones, seen):
            if out is not None:
                out.write(raw)


def _pattern(table: Table, tombstones: Tombstones) -> re.Pattern[bytes]:
    """Finds the records that may be of an erased customer: most are not, and are not parsed."""
    ids = sorted({key for ids in tombstones.of(table).values() for key in ids})
    written = {way for key in ids for way in (key, json.dumps(key)[1:-1], key.replace('"', '""'))}
    return re.compile(b"|".join(re.escape(way.encode()) for way in sorted(written)))


def _csv(stream: BinaryIO, table: Table, tombstones: Tombstones, seen: Seen) -> Iterator[bytes]:
    may_be = _pattern(table, tombstones)
    columns = {column.name: column for column in table.columns}
    known = {key for ids in tombstones.of(table).values() for key in ids}
    names: list[str] | None = None
    for raw in _records(stream):
        if names is None:
            names = _fields(raw.removeprefix(_BOM))[0]
            yield raw
            continue
        if not may_be.search(raw):
            yield raw
            continue
        fields, end = _fields(raw)
        if len(fields) == len(names):
            row = dict(zip(names, fields, strict=True))
            if not tombstones.are_named_by(row, table):
                yield raw
                continue
            new = [_csv_value(columns.get(n), row[n], tombstones) for n in names]
        elif known & set(fields):
            # A record of another length is in quarantine: which field is which cannot be said.
            new = [value if value in known else "" for value in fields]
        else:
            yield raw
            continue
        if new == fields:
            yield raw
            continue
        for place, (before, after) in enumerate(zip(fields, new, strict=True)):
            if before != after:
                seen(names[place] if place < len(names) else "", before)
        line = io.StringIO()
        csv.writer(line, lineterminator=end).writerow(new)
        yield line.getvalue().encode()


def _csv_value(column: Column | None, value: str, tombstones: Tombstones) -> str:
    if goes(column):
        return ""
    if column is not None and column.is_id and is_personal_id(value):
        return tombstones.pseudonym(value)
    return value


def _records(stream: BinaryIO) -> Iterator[bytes]:
    """Records of a csv with their line breaks; one inside quotes ends none."""
    pending = b""
    for line in stream:
        pending += line
        if pending.count(b'"') % 2 == 0:
            yield pending
            pending = b""
    if pending:
        yield pending


def _fields(raw: bytes) -> tuple[list[str], str]:
    text = raw.decode()
    body = text.removesuffix("\n").removesuffix("\r")
    fields = next(csv.reader([body], strict=True), [])
    return fields, text[len(body) :]


def _jsonl(stream: BinaryIO, table: Table, tombstones: Tombstones, seen: Seen) -> Iterator[bytes]:
    may_be = _pattern(table, tombstones)
    columns = {column.name: column for column in table.columns}
    for line in stream:
        if not may_be.search(line):
            yield line
            continue
        body = line.rstrip(b"\r\n")
        try:
            row = json.loads(body.removeprefix(_BOM), parse_float=lambda text: _NUMBER + text)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            # A line in quarantine that is no object; nobody can say what in it is whose.
            seen("", body.decode("utf-8", "replace"))
            yield b'"erased"' + line[len(body) :]
            continue
        if not tombstones.are_named_by(row, table):
            yield line
            continue
        new = dict(row)
        for name, value in row.items():
            column = columns.get(name)
            if goes(column):
                new[name] = None
            elif isinstance(value, str) and column and column.is_id and is_personal_id(value):
                new[name] = tombstones.pseudonym(value)
            if new[name] != value:
                seen(name, value)
        if new == row:
            yield line
            continue
        text = json.dumps(new, ensure_ascii=False, separators=(",", ":"))
        # Numbers stay as they were written, whatever a float would make of them.
        text = _NUMBERS.sub(r"\1", text)
        prefix = _BOM if body.startswith(_BOM) else b""
        yield prefix + text.encode() + line[len(body) :]


def _parquet(
    path: Path, table: Table, tombstones: Tombstones, out: BinaryIO | None, seen: Seen
) -> None:
    columns = {column.name: column for column in table.columns}
    with pq.ParquetFile(path) as landed:
        schema = pa.schema(
            [field.with_nullable(True) for field in landed.schema_arrow],
            landed.schema_arrow.metadata,
        )
        packed = _compression(landed)
        writer = None if out is None else pq.ParquetWriter(out, schema, compression=packed)
        for group in range(landed.num_row_groups):
            rows = landed.read_row_group(group)
            mask = tombstones.mask(rows, table)
            if mask is not None:
                rows = _blanked(rows, mask, columns, tombstones, seen)
            if writer is not None:
                writer.write_table(rows.cast(schema), max(1, rows.num_rows))
        if writer is not None:
            writer.close()


def _blanked(
    rows: pa.Table, mask: Any, columns: Mapping[str, Column], tombstones: Tombstones, seen: Seen
) -> pa.Table:
    for place, name in enumerate(rows.column_names):
        column, values = columns.get(name), rows[name]
        if goes(column):
            gone = mask & values.is_valid().to_numpy(zero_copy_only=False)
            if gone.any():
                for value in values.filter(pa.array(gone)).to_pylist():
                    seen(name, value)
                rows = rows.set_column(place, rows.field(place), blank(values, mask))
        elif column is not None and column.is_id and pa.types.is_string(values.type):
            texts = values.to_pylist()
            for row in np.flatnonzero(mask):
                if is_personal_id(texts[row]):
                    seen(name, texts[row])
                    texts[row] = tombstones.pseudonym(texts[row])
            rows = rows.set_column(
                place, rows.field(place), pa.chunked_array([pa.array(texts, values.type)])
            )
    return rows


def _compression(landed: pq.ParquetFile) -> str:
    metadata = landed.metadata
    if not metadata.num_row_groups or not metadata.num_columns:
        return "none"
    name = str(metadata.row_group(0).column(0).compression).lower()
    return "none" if name == "uncompressed" else name


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value; those inside JSON too."""
    if isinstance(value, str):
        # No text of ours has a NUL; what stands around one is looked for by itself.
        yield from value.removeprefix(_NUMBER).split("\0")
        if value[:1] in ("{", "["):
            try:
                inner = json.loads(value)
            except ValueError:
                return
            yield from _texts(inner)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def rewrite_manifest(path: Path, replaced: Mapping[str, tuple[int, str]]) -> bool:
    """Let a sender's manifest speak of the new bytes of files; whether it spoke of any.

    Args:
        path: of the manifest.
        replaced: size and sha256 of files as they are now, by their path as the manifest has it.
    """
    document = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=str)
    changed = False
    for entry in document["files"]:
        now = replaced.get(entry["file"])
        for name, value in zip(("bytes", "sha256"), now or (), strict=False):
            if entry.get(name) not in (None, value):
                entry[name] = value
                changed = True
    if changed:
        partial = path.with_name(f".{path.name}.erasing")
        partial.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        sync(partial)
        partial.replace(path)
    return changed
