"""One landed file, from its bytes to accepted rows and rows set aside."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.failpoints import failpoint
from orchestration.landing.batches import Batch, extra_columns
from orchestration.landing.columns import arrow_type, convert
from orchestration.landing.contract import Table
from orchestration.landing.csv_reader import CsvReader
from orchestration.landing.files import LandedFile, open_unpacked
from orchestration.landing.jsonl_reader import JsonlReader
from orchestration.landing.parquet_reader import ParquetReader
from orchestration.landing.report import RefusedFileError, Reject

ROW_GROUP_ROWS = 122_880
MAX_REJECTS = 1_000_000
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
    `physical` are names and types of the columns of the file that the views read.
    """

    rows_received: int
    rows_accepted: int
    rejects: tuple[Reject, ...]
    accepted_name: str | None
    physical: tuple[tuple[str, str], ...]
    extra_columns: tuple[str, ...]


@lru_cache(maxsize=1)
def _rules_digest() -> str:
    """Sha256 of the code that reads files: other rules, other answers, so all is read again."""
    digest = hashlib.sha256()
    for name in _RULE_FILES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def contract_digest(table: Table) -> str:
    """Sha256 of the contract of a table and of the rules by which the gate applies it."""
    return hashlib.sha256((table.digest + _rules_digest()).encode()).hexdigest()


def take_in(file: LandedFile, sha256: str, accepted_dir: Path) -> Taken:
    """Read a file by its contract; write its good rows to `accepted_dir` where that is needed.

    Raises:
        RefusedFileError: the file cannot be taken at all; nothing was written.
    """
    name = f"{sha256}-{contract_digest(file.table)[:8]}.parquet"
    target = accepted_dir / name
    if file.format == "parquet":
        return _take_in_parquet(file, target)
    with _damage_refused(), open_unpacked(file.path) as stream:
        if file.format == "csv":
            return _write(CsvReader(stream, file.table), file.table, target)
        return _write(JsonlReader(stream, file.table), file.table, target)


def remove_leftovers(accepted_dir: Path, in_use: Collection[str]) -> None:
    """Remove what dead runs left half written and what no verdict names any more.

    Only while holding the lock of the home folder.
    """
    for path in accepted_dir.glob("*"):
        if path.name not in in_use and path.suffix in (".tmp", ".parquet"):
            path.unlink()


def _take_in_parquet(file: LandedFile, target: Path) -> Taken:
    """A look at every value decides whether the file can be read where it lies."""
    reader = ParquetReader(file.path, file.table)
    if not reader.in_place or not _is_clean(reader, file.table):
        return _write(ParquetReader(file.path, file.table), file.table, target)
    return Taken(
        rows_received=reader.rows,
        rows_accepted=reader.rows,
        rejects=(),
        accepted_name=None,
        physical=reader.physical,
        extra_columns=extra_columns(reader.names, file.table),
    )


def _is_clean(reader: ParquetReader, table: Table) -> bool:
    for batch in reader.read():
        if batch.rejects or batch.has_empty_texts:
            return False
        if convert(table, batch.columns, len(batch.file_rows)).problems:
            return False
    return True


def _write(reader: CsvReader | JsonlReader | ParquetReader, table: Table, target: Path) -> Taken:
    """Write the good rows; the file is there whole under its name, or not at all."""
    schema = pa.schema(
        [(column.name, arrow_type(column)) for column in table.columns]
        + [("_file_row", pa.int64())]
    )
    rejects: list[Reject] = []
    with _AcceptedFile(target, schema) as accepted:
        for batch in reader.read():
            rows, problems = _good_rows(batch, table)
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
    return Taken(
        rows_received=accepted.rows + len(rejects),
        rows_accepted=accepted.rows,
        rejects=tuple(sorted(rejects, key=lambda reject: reject.file_row)),
        accepted_name=target.name,
        physical=tuple((field.name, str(field.type)) for field in schema),
        extra_columns=extra_columns(reader.names, table),
    )


def _good_rows(batch: Batch, table: Table) -> tuple[pa.Table, list[Reject]]:
    converted = convert(table, batch.columns, len(batch.file_rows))
    rows = converted.table.append_column("_file_row", batch.file_rows)
    if not converted.problems:
        return rows, []
    rejects = [
        Reject(
            file_row=batch.file_rows[problem.row].as_py(),
            line=None if batch.lines is None else batch.lines[problem.row].as_py(),
            column=problem.column,
            value=problem.value,
            rule=problem.rule,
            reason=problem.reason,
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
        self._writer = pq.ParquetWriter(
            self._temporary,
            schema,
            compression="zstd",
            compression_level=1,
            # Numbers and times are smaller and faster without a dictionary.
            use_dictionary=[field.name for field in schema if field.type == pa.string()],
            # Of texts they cost more than they save: few scans look for a single text.
            write_statistics=[field.name for field in schema if field.type != pa.string()],
        )

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
                    self._writer.close()
                return
            self._flush()
            self._writer.close()
            sync(self._temporary)
            failpoint("gate.accepted_written")
            self._temporary.rename(self._target)
            sync(self._target.parent)
            failpoint("gate.accepted_renamed")
        finally:
            self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._pending_rows:
            self._writer.write_table(pa.concat_tables(self._pending), ROW_GROUP_ROWS)
        self._pending, self._pending_rows = [], 0


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
