"""One landed file, from its bytes to accepted rows and rows set aside."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.failpoints import failpoint
from orchestration.landing import identity
from orchestration.landing.batches import Batch, extra_columns
from orchestration.landing.columns import Converted, arrow_type, convert
from orchestration.landing.contract import Table
from orchestration.landing.csv_reader import CsvReader
from orchestration.landing.files import LandedFile, open_unpacked, refuse_other_kinds
from orchestration.landing.jsonl_reader import JsonlReader
from orchestration.landing.manifests import Total
from orchestration.landing.parquet_reader import ParquetReader
from orchestration.landing.report import RefusedFileError, Reject
from orchestration.landing.tombstones import Tombstones

ROW_GROUP_ROWS = 122_880
MAX_REJECTS = 1_000_000
_DICTIONARY_SAMPLE = 4096
_DELTA_TYPES = (pa.int64(), pa.date32(), pa.timestamp("us"))
NO_TOMBSTONES = Tombstones()
_RULE_FILES = (
    "batches.py",
    "columns.py",
    "csv_blocks.py",
    "csv_reader.py",
    "jsonl_reader.py",
    "parquet_reader.py",
    "take_in.py",
    "values.py",
)


@dataclass(frozen=True)
class Taken:
    """A file that was taken in.

    `accepted_name` is the file in `accepted/`, None where the views read the landed file itself;
    `physical` are names and types of the columns of the file that the views read; `totals` are the
    sums of its number columns; `rows_forgotten` are those out of which personal data of erased
    customers was taken.
    """

    rows_received: int
    rows_accepted: int
    rejects: tuple[Reject, ...]
    accepted_name: str | None
    physical: tuple[tuple[str, str], ...]
    extra_columns: tuple[str, ...]
    totals: Mapping[str, Total]
    rows_forgotten: int = 0


@lru_cache(maxsize=1)
def _rules_digest() -> str:
    """Sha256 of the code that reads files: other rules, other answers, so all is read again."""
    digest = hashlib.sha256()
    for name in _RULE_FILES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def contract_digest(table: Table, is_known_whole: bool = False, reading: str = "") -> str:
    """Sha256 of the contract of a table and of the rules by which the gate applies it.

    A file that is known to be whole is read by other rules, so it is read again when it becomes so,
    and so is one that gets the name of another format (`LandedFile.reading`).
    """
    rules = _rules_digest() + ("whole" if is_known_whole else "") + reading
    return hashlib.sha256((table.digest + rules).encode()).hexdigest()


def take_in(
    file: LandedFile,
    sha256: str,
    accepted_dir: Path,
    *,
    is_known_whole: bool = False,
    tombstones: Tombstones = NO_TOMBSTONES,
) -> Taken:
    """Read a file by its contract; write its good rows to `accepted_dir` where that is needed.

    Args:
        file: what to read.
        sha256: of its bytes.
        accepted_dir: where good rows go.
        is_known_whole: its sender's manifest confirms size or sha256, so a csv file may lack its
            last line break.
        tombstones: customers that were erased; their rows come in without personal data.

    Raises:
        RefusedFileError: the file cannot be taken at all; nothing was written.
    """
    name = f"{sha256}-{contract_digest(file.table, is_known_whole, file.reading)[:8]}.parquet"
    target = accepted_dir / name
    if file.format == "parquet":
        return _take_in_parquet(file, target, tombstones)
    with _damage_refused(), open_unpacked(file.path) as stream:
        refuse_other_kinds(stream)
        if file.format == "csv":
            reader = CsvReader(stream, file.table, is_known_whole=is_known_whole)
            return _write(reader, file.table, target, tombstones)
        return _write(JsonlReader(stream, file.table), file.table, target, tombstones)


def remove_leftovers(accepted_dir: Path, in_use: Collection[str]) -> None:
    """Remove what dead runs left half written and what no verdict names any more.

    Only while holding the lock of the home folder.
    """
    for path in accepted_dir.glob("*"):
        if path.name not in in_use and path.suffix in (".tmp", ".parquet"):
            path.unlink()


def _take_in_parquet(file: LandedFile, target: Path, tombstones: Tombstones) -> Taken:
    """A look at every value decides whether the file can be read where it lies."""
    reader = ParquetReader(file.path, file.table)
    totals = _Totals(file.table)
    if not reader.in_place or not _is_clean(reader, file.table, totals, tombstones):
        return _write(ParquetReader(file.path, file.table), file.table, target, tombstones)
    return Taken(
        rows_received=reader.received,
        rows_accepted=reader.received,
        rejects=(),
        accepted_name=None,
        physical=reader.physical,
        extra_columns=extra_columns(reader.names, file.table),
        totals=totals.of(reader.names),
    )


def _is_clean(reader: ParquetReader, table: Table, totals: _Totals, tombstones: Tombstones) -> bool:
    for batch in reader.read():
        if batch.rejects or batch.has_empty_texts:
            return False
        converted = convert(table, batch.columns, len(batch.file_rows))
        if converted.problems or tombstones.forget(converted.table, table)[2]:
            return False
        totals.add(converted, batch)
    return True


def _write(
    reader: CsvReader | JsonlReader | ParquetReader,
    table: Table,
    target: Path,
    tombstones: Tombstones,
) -> Taken:
    """Write the good rows; the file is there whole under its name, or not at all."""
    schema = pa.schema(
        [(column.name, arrow_type(column)) for column in table.columns]
        + [("_file_row", pa.int64())]
    )
    rejects: list[Reject] = []
    totals = _Totals(table)
    forgotten = 0
    with _AcceptedFile(target, schema) as accepted:
        for batch in reader.read():
            converted = convert(table, batch.columns, len(batch.file_rows))
            totals.add(converted, batch)
            kept, is_erased, count = tombstones.forget(converted.table, table)
            forgotten += count
            converted = replace(converted, table=kept)
            rows, problems = _good_rows(batch, converted, table, is_erased)
            rejects += batch.rejects
            rejects += problems
            accepted.add(rows)
            if len(rejects) > MAX_REJECTS:
                raise RefusedFileError(
                    f"more than {MAX_REJECTS} rows do not fit; the first is row "
                    f"{rejects[0].file_row}: {rejects[0].reason}.",
                    f"This is probably not a file of {table.label}; land it again, corrected.",
                    rejects[0].column,
                )
        if reader.received != accepted.rows + len(rejects):
            raise AssertionError(
                f"{reader.received} rows received, {accepted.rows} accepted, {len(rejects)} "
                "set aside: rows were lost or made up"
            )
    return Taken(
        rows_received=reader.received,
        rows_accepted=accepted.rows,
        rejects=tuple(sorted(rejects, key=lambda reject: reject.file_row)),
        accepted_name=target.name,
        physical=tuple((field.name, str(field.type)) for field in schema),
        extra_columns=extra_columns(reader.names, table),
        totals=totals.of(reader.names),
        rows_forgotten=forgotten,
    )


class _Totals:
    """Sums of the number columns, over all rows that can be read, accepted or not."""

    def __init__(self, table: Table) -> None:
        self._sums = {
            column.name: Decimal(0)
            for column in table.columns
            if column.data_type == "bigint" or column.decimal_shape is not None
        }
        self._unread = dict.fromkeys(self._sums, 0)

    def add(self, converted: Converted, batch: Batch) -> None:
        """Add the rows of a batch; those that were no rows at all cannot be read."""
        for name in self._sums:
            self._sums[name] += _exact_sum(converted.table[name])
            self._unread[name] += len(batch.rejects)
        for problem in converted.problems:
            for name in problem.unread:
                if name in self._unread:
                    self._unread[name] += 1

    def of(self, names: Collection[str]) -> dict[str, Total]:
        """The totals of the columns that the file has."""
        return {
            name: Total(value, self._unread[name])
            for name, value in self._sums.items()
            if name in names
        }


def _exact_sum(numbers: pa.ChunkedArray) -> Decimal:
    """The sum as it is, also where it does not fit the type of the numbers."""
    bounds = pc.min_max(numbers)
    if not bounds["min"].is_valid:
        return Decimal(0)
    if not pa.types.is_decimal(numbers.type):
        largest = max(-bounds["min"].as_py(), bounds["max"].as_py())
        if largest * len(numbers) >= 2**63:
            return Decimal(sum(number for number in numbers.to_pylist() if number is not None))
        return Decimal(pc.sum(numbers).as_py())
    widest = pa.decimal256(76, numbers.type.scale)
    with localcontext(prec=100):
        return Decimal(pc.sum(pc.cast(numbers, widest)).as_py())


def _good_rows(
    batch: Batch, converted: Converted, table: Table, is_erased: Any
) -> tuple[pa.Table, list[Reject]]:
    rows = converted.table.append_column("_file_row", batch.file_rows)
    if not converted.problems:
        return rows, []
    rejects = [
        Reject(
            file_row=batch.file_rows[problem.row].as_py(),
            line=None if batch.lines is None else batch.lines[problem.row].as_py(),
            column=problem.column,
            value=None if is_erased is not None and is_erased[problem.row] else problem.value,
            rule=problem.rule,
            reason=(
                "a row of an erased customer"
                if is_erased is not None and is_erased[problem.row]
                else problem.reason
            ),
            row_key=identity.key_of(converted.table, problem.row, table),
            row_version=identity.version_of(converted.table, problem.row, table),
        )
        for problem in converted.problems
    ]
    keep = np.ones(len(batch.file_rows), bool)
    keep[[problem.row for problem in converted.problems]] = False
    return rows.filter(pa.array(keep)), rejects


class _AcceptedFile:
    """A Parquet file that comes to be when the with block ends well: whole, on disk, by rename."""

    def __init__(self, target: Path, schema: pa.Schema) -> None:
        self._target = target
        self._schema = schema
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self.rows = 0
        target.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = target.with_suffix(".tmp")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _AcceptedFile:
        return self

    def add(self, rows: pa.Table) -> None:
        """Add rows; they are written in groups of `ROW_GROUP_ROWS`."""
        self._pending.append(rows)
        self._pending_rows += rows.num_rows
        self.rows += rows.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                # What went wrong first is what people should hear of.
                with suppress(OSError):
                    if self._writer is not None:
                        self._writer.close()
                return
            self._flush()
            self._open(self._schema.empty_table()).close()
            sync(self._temporary)
            failpoint("gate.accepted_written")
            self._temporary.rename(self._target)
            sync(self._target.parent)
            failpoint("gate.accepted_renamed")
        finally:
            self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._pending_rows:
            rows = pa.concat_tables(self._pending)
            self._open(rows).write_table(rows, ROW_GROUP_ROWS)
        self._pending, self._pending_rows = [], 0

    def _open(self, rows: pa.Table) -> pq.ParquetWriter:
        """The writer; texts that repeat in the first rows get a dictionary, the others do not.

        Encodings that only store what changes from one value to the next make files as small as
        a strong compression would, at a third of its cost.
        """
        if self._writer is None:
            texts = [field.name for field in self._schema if field.type == pa.string()]
            repeating = [name for name in texts if _repeats(rows[name])]
            encodings = {name: "DELTA_BYTE_ARRAY" for name in texts if name not in repeating}
            for field in self._schema:
                if field.type in _DELTA_TYPES:
                    encodings[field.name] = "DELTA_BINARY_PACKED"
            self._writer = pq.ParquetWriter(
                self._temporary,
                self._schema,
                compression="none",
                use_dictionary=repeating,
                column_encoding=encodings or None,
                # Of texts they cost more than they save: few scans look for a single text.
                write_statistics=[field.name for field in self._schema if field.name not in texts],
            )
        return self._writer


def _repeats(texts: pa.ChunkedArray) -> bool:
    """Whether few different texts are among the first ones."""
    first = texts.slice(0, _DICTIONARY_SAMPLE)
    return bool(2 * pc.count_distinct(first, mode="all").as_py() <= len(first))


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RefusedFileError(
            f"the compressed file is damaged or cut off: {error}.", "Land the file again, whole."
        ) from None
