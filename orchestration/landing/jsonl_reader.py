"""Json lines: one object per line, read exactly (a number keeps the digits it was written with)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from orchestration.landing.batches import Batch, check_names
from orchestration.landing.contract import Table
from orchestration.landing.csv_blocks import MAX_RECORD_BYTES
from orchestration.landing.report import RefusedFileError, Reject

BATCH_LINES = 8192


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class _BadLineError(ValueError):
    def __init__(self, rule: str, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.column = column


class JsonlReader:
    """Reads one file from a stream of its (unpacked) bytes.

    `names` are the columns that the objects read so far have named, `received` counts the lines.
    """

    def __init__(self, stream: BinaryIO, table: Table) -> None:
        self._stream = stream
        self._table = table
        self._decode = json.JSONDecoder(
            object_pairs_hook=_object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse_constant,
        ).decode
        self._is_json = {column.name: column.is_json for column in table.columns}
        self.names: list[str] = []
        self.received = 0
        self._seen: set[str] = set()
        self._has_object = False

    def read(self) -> Iterator[Batch]:
        """Batches of text columns.

        Raises:
            RefusedFileError: the file is empty, not UTF-8, cut off, or no object names a
                required column.
        """
        line_number = offset = 0
        rows: list[tuple[int, dict[str, str | None]]] = []
        rejects: list[Reject] = []
        while line := self._stream.readline(MAX_RECORD_BYTES + 1):
            line_number += 1
            self.received = line_number
            self._check_line(line, line_number, offset)
            offset += len(line)
            text = line.decode("utf-8-sig" if line_number == 1 else "utf-8")
            try:
                rows.append((line_number, self._row(text)))
            except _BadLineError as bad:
                if not line.endswith(b"\n"):
                    raise RefusedFileError(
                        f"the last line ({line_number}) is cut off: {bad.reason}.",
                        "Land the whole file.",
                    ) from None
                rejects.append(_reject(line_number, bad))
            if len(rows) + len(rejects) >= BATCH_LINES:
                yield self._batch(rows, rejects)
                rows, rejects = [], []
        if line_number == 0:
            raise RefusedFileError(
                "the file is empty.", "A file without rows is no delivery; leave it out."
            )
        if not self._has_object:
            raise RefusedFileError(
                f"none of its {line_number} lines is a JSON object; the first: {rejects[0].reason}."
                if rejects
                else f"none of its {line_number} lines is a JSON object.",
                "Write one object per line, without a list around them or commas between them.",
            )
        if self.names:
            check_names(self.names, self._table)
        yield self._batch(rows, rejects)

    def _check_line(self, line: bytes, line_number: int, offset: int) -> None:
        if len(line) > MAX_RECORD_BYTES:
            raise RefusedFileError(
                f"line {line_number} is longer than {MAX_RECORD_BYTES} bytes.",
                "Write one object per line.",
            )
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RefusedFileError(
                f"not UTF-8: byte {offset + error.start} (from 0) is 0x{line[error.start]:02X}.",
                "Export the file again as UTF-8.",
            ) from None

    def _row(self, text: str) -> dict[str, str | None]:
        try:
            document = self._decode(text.strip(" \t\r\n"))
        except _BadLineError:
            raise
        except (ValueError, RecursionError) as error:
            raise _BadLineError("not_json", f"no JSON: {error}") from None
        if not isinstance(document, dict):
            raise _BadLineError("not_an_object", "the line is not a JSON object")
        self._has_object = True
        if not document.keys() <= self._seen:
            self.names += [name for name in document if name not in self._seen]
            self._seen.update(document)
        return {
            name: self._text(name, is_json, document[name])
            for name, is_json in self._is_json.items()
            if name in document
        }

    def _text(self, name: str, is_json: bool, value: Any) -> str | None:
        """The text that the csv of this row would have, null for empty."""
        text: str | None
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif value is None or isinstance(value, str):
            text = value
        elif is_json:
            text = _to_json(value)
        else:
            kind = "an object" if isinstance(value, dict) else "a list"
            raise _BadLineError("nested_value", f"{kind} where one value is expected", name)
        if text is not None and not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise _BadLineError("not_unicode", "half a surrogate pair is no character", name)
        return text or None

    def _batch(self, rows: list[tuple[int, dict[str, str | None]]], rejects: list[Reject]) -> Batch:
        numbers = pa.array([number for number, _ in rows], pa.int64())
        columns = {
            name: pa.array([row.get(name) for _, row in rows], pa.string())
            for name in self._is_json
        }
        return Batch(columns, numbers, numbers, tuple(rejects))


def _reject(line_number: int, bad: _BadLineError) -> Reject:
    return Reject(line_number, line_number, bad.column, None, bad.rule, bad.reason)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise _BadLineError("repeated_name", "an object has the same name twice")
    return document


def _refuse_constant(name: str) -> None:
    raise _BadLineError("not_json", f"{name} is not JSON")


def _to_json(value: Any) -> str:
    """A nested value as JSON text, its numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{_to_json(v)}" for name, v in value.items()
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
