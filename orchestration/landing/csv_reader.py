"""Csv by RFC 4180, to the letter, never sniffed: text by column name, record by record.

The bytes are cut into blocks at ends of records, by the parity of the quotes before them; a block
of well-formed records is parsed by Arrow. What is not well-formed never reaches Arrow, which would
take much of it without a word: a wrong number of fields sets the record aside, a bare quote or a
stray line ending (nobody can say where the records end) refuses the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from orchestration.landing.batches import Batch, check_names
from orchestration.landing.columns import iso_type, stands_in_calendar
from orchestration.landing.contract import Table
from orchestration.landing.csv_blocks import (
    BLOCK_BYTES,
    Positions,
    Scan,
    first_record_end,
    read_blocks,
    scan_block,
)
from orchestration.landing.report import RefusedFileError, Reject


@dataclass(frozen=True)
class Header:
    """Names of the columns in file order, and the line ending of the whole file."""

    names: list[str]
    line_ending: bytes
    lines: int


class CsvReader:
    """Reads one file from a stream of its (unpacked) bytes; `names` are those of its header."""

    def __init__(
        self,
        stream: BinaryIO,
        table: Table,
        block_bytes: int = BLOCK_BYTES,
        *,
        is_known_whole: bool = False,
    ) -> None:
        """Read the header; a file that `is_known_whole` may lack its last line break.

        Raises:
            RefusedFileError: there is none, or it is not that of the table.
        """
        self._blocks = read_blocks(stream, block_bytes, is_known_whole=is_known_whole)
        first = next(self._blocks, None)
        if first is None:
            raise RefusedFileError("the file is empty.", "A csv file has at least its header.")
        header, self._rest = _take_header(first, table)
        self._reader = _BlockReader(header, table)
        self.names = header.names

    @property
    def received(self) -> int:
        """Records read so far, as counted by their ends, not by what became of them."""
        return self._reader.records

    def read(self) -> Iterator[Batch]:
        """Batches of text columns.

        Raises:
            RefusedFileError: it cannot be said where the records or fields of the file end.
        """
        if self._rest:
            yield self._reader.read(self._rest)
        for block in self._blocks:
            yield self._reader.read(block)


def _take_header(block: bytes, table: Table) -> tuple[Header, bytes]:
    """The header, and the rest of its block."""
    end = first_record_end(block)
    line_ending = b"\r\n" if block[:end].endswith(b"\r\n") else b"\n"
    record = block[:end]
    if b"\0" in record:
        raise RefusedFileError(
            f"byte {record.index(0)} of the header is NUL, as in a UTF-16 file.",
            "Export the file again as UTF-8.",
        )
    scan_block(record, line_ending, 1)
    text = record[: -len(line_ending)].decode("utf-8")
    names = next(csv.reader([text], strict=True), None) or [""]
    try:
        check_names(names, table)
    except RefusedFileError as error:
        raise _with_delimiter_hint(error, names) from None
    return Header(names, line_ending, record.count(b"\n")), block[end:]


def _with_delimiter_hint(error: RefusedFileError, names: list[str]) -> RefusedFileError:
    if names[0].startswith("sep="):
        return RefusedFileError(
            f"{error.reason} The first line is Excel's sep= line, not the header.",
            f"Remove that line, and divide fields by commas. {error.remedy}",
            error.column,
        )
    for delimiter, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and delimiter in names[0]:
            return RefusedFileError(
                f"{error.reason} The fields seem to be divided by {called}.",
                f"Divide them by commas. {error.remedy}",
                error.column,
            )
    return error


class _BlockReader:
    """Reads the blocks of one file in order; counts records and lines on the way."""

    def __init__(self, header: Header, table: Table) -> None:
        self._header = header
        self._wanted = [name for name in header.names if name in table.column_names]
        self._times = {c.name for c in table.columns if c.data_type == "timestamp"}
        self._times &= set(self._wanted)
        self._typed: dict[str, pa.DataType] = {}
        self.records = 0
        self._line = 1 + header.lines

    def read(self, block: bytes) -> Batch:
        """The next block as text columns.

        Raises:
            RefusedFileError: it cannot be said where its records or fields end.
        """
        scan = scan_block(block, self._header.line_ending, self._line)
        columns = self._parse_plain(block, scan)
        if columns is None:
            batch = self._read_divided(block, scan)
        else:
            batch = self._batch(columns, np.arange(scan.record_count), scan.lines, ())
        self.records += scan.record_count
        self._line += scan.line_feed_count
        return batch

    def _parse_plain(self, block: bytes, scan: Scan) -> dict[str, pa.Array] | None:
        """A block of which all records have as many fields as the header, None for others.

        Columns of times whose first value was in a form that Arrow's csv reader reads by the same
        rules as `columns.convert` does are typed on the way, until a block has another one.
        """
        columns = self._parse_typed(block, scan) if self._typed else None
        if columns is None:
            try:
                columns = self._parse(block, {}, has_quotes=scan.has_quotes)
            except pa.ArrowInvalid:
                return None
            # What the records before were does not matter to later ones, only what goes quickly.
            is_first = self.records == 0
            self._typed = {n: iso_type(columns[n]) for n in self._times} if is_first else {}
            self._typed = {name: kind for name, kind in self._typed.items() if kind is not None}
        # Arrow fills an empty line up to a row of nulls.
        may_be_empty = all(array.null_count for array in columns.values())
        return None if may_be_empty and len(self._header.names) > 1 else columns

    def _parse_typed(self, block: bytes, scan: Scan) -> dict[str, pa.Array] | None:
        """With times typed; None where one of them, or anything else, is not as expected."""
        try:
            columns = self._parse(block, self._typed, has_quotes=scan.has_quotes)
        except pa.ArrowInvalid:
            return None
        if not all(stands_in_calendar(columns[name]) for name in self._typed):
            return None
        naive = pa.timestamp("us")
        return columns | {name: columns[name].view(naive) for name in self._typed}

    def _read_divided(self, block: bytes, scan: Scan) -> Batch:
        """A block of which some records have too few or too many fields, which are set aside."""
        starts, lines, fields = scan.starts, scan.lines, scan.count_fields()
        good = fields == len(self._header.names)
        block = b"".join(
            block[start : end + 1] for start, end in zip(starts[good], scan.ends[good], strict=True)
        )
        columns = self._parse(block, {}, has_quotes=scan.has_quotes)
        rejects = tuple(
            self._reject(int(row), int(lines[row]), int(fields[row]))
            for row in np.flatnonzero(~good)
        )
        return self._batch(columns, np.flatnonzero(good), lines[good], rejects)

    def _reject(self, row: int, lines_before: int, fields: int) -> Reject:
        expected = len(self._header.names)
        return Reject(
            file_row=self.records + row + 1,
            line=self._line + lines_before,
            column=None,
            value=None,
            rule="too_few_fields" if fields < expected else "too_many_fields",
            reason=f"the record has {fields} fields, the header {expected}",
        )

    def _batch(
        self,
        columns: dict[str, pa.Array],
        rows: Positions,
        lines: Positions,
        rejects: tuple[Reject, ...],
    ) -> Batch:
        for array in columns.values():
            # Every record was counted before Arrow saw it; it must come to the same number.
            if len(array) != len(rows):
                raise AssertionError(f"Arrow read {len(array)} of {len(rows)} records")
        rows, lines = rows + (self.records + 1), lines + self._line
        repeated_header = self._repeated_header(columns)
        if repeated_header is not None:
            repeated = repeated_header.to_numpy(zero_copy_only=False)
            rejects += tuple(
                Reject(
                    file_row=int(rows[row]),
                    line=int(lines[row]),
                    column=None,
                    value=None,
                    rule="repeated_header",
                    reason="the header stands in the file again",
                )
                for row in np.flatnonzero(repeated)
            )
            keep = pa.array(~repeated)
            columns = {name: array.filter(keep) for name, array in columns.items()}
            rows, lines = rows[~repeated], lines[~repeated]
        return Batch(columns, pa.array(rows, pa.int64()), pa.array(lines, pa.int64()), rejects)

    def _repeated_header(self, columns: dict[str, pa.Array]) -> pa.Array | None:
        """Which rows repeat the header: to a table of texts they would be rows like any other."""
        if not all(pa.types.is_string(array.type) for array in columns.values()):
            # Where a name of a column was read as a time, it was none.
            return None
        repeated: pa.Array | None = None
        for name, array in columns.items():
            # Files that were put together bring their byte order marks along.
            names = [name, f"\ufeff{name}"] if name == self._header.names[0] else [name]
            same = pc.is_in(array, value_set=pa.array(names, pa.string()))
            repeated = same if repeated is None else pc.and_(repeated, same)
            if not pc.any(repeated, min_count=0).as_py():
                return None
        return repeated

    def _parse(
        self, block: bytes, typed: Mapping[str, pa.DataType], *, has_quotes: bool
    ) -> dict[str, pa.Array]:
        if not block:
            return {name: pa.array([], pa.string()) for name in self._wanted}
        names = self._header.names
        parsed = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(block) + 1, column_names=names
            ),
            parse_options=arrow_csv.ParseOptions(
                quote_char='"' if has_quotes else False,
                double_quote=True,
                escape_char=False,
                # Arrow would go through all of a block to find out where its last record ends.
                # It ends with the block; line breaks in quotes are read all the same.
                newlines_in_values=False,
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()) | dict(typed),
                include_columns=self._wanted,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,
            ),
        )
        return {name: _whole(parsed[name]) for name in self._wanted}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; a copy only where it is in several."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
