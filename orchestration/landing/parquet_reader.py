"""Parquet: columns by name, types that convert without loss, values by the same rules as text.

A file whose types DuckDB reads as the contract's, and of which every row is good, is read where it
lies; any other is written once in the contract's types, as csv is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.landing.batches import Batch, check_names
from orchestration.landing.columns import arrow_type, calendar_mask, stands_in_calendar
from orchestration.landing.contract import Column, Table
from orchestration.landing.report import RefusedFileError, Reject

BATCH_ROWS = 65_536
_BEGINNING = b"PAR1"
_NAMES_OF_VIEWS = frozenset({"file_row_number", "_location"})


class ParquetReader:
    """Reads one file. `in_place` says whether its types are such that views may read it itself."""

    def __init__(self, path: Path, table: Table) -> None:
        """Open the file and hold its schema against the contract.

        Raises:
            RefusedFileError: it does not open, lacks a required column, or has a type that
                does not become the contract's without loss.
        """
        self._table = table
        # Engines look at the end of a file alone; what does not begin as one was put together.
        with path.open("rb") as stream:
            if not stream.read(4).startswith(_BEGINNING):
                raise _unreadable("it does not begin with PAR1")
        try:
            # Times of 96 bits (Spark's, Impala's) go to the year 9999; in nanoseconds they would
            # turn round in 2262 without a word.
            self._file = pq.ParquetFile(
                path, page_checksum_verification=True, coerce_int96_timestamp_unit="us"
            )
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _unreadable(error) from None
        schema = self._file.schema_arrow
        self.names: list[str] = list(schema.names)
        check_names(self.names, table)
        self.physical = tuple((field.name, str(_storage(field.type))) for field in schema)
        self._columns = [c for c in table.columns if c.name in self.names]
        # DuckDB does not tell names apart by case, and adds a column file_row_number of its own.
        plain = {name.lower() for name in self.names}
        self.in_place = len(plain) == len(self.names) and not plain & _NAMES_OF_VIEWS
        for column in self._columns:
            landed = _storage(schema.field(column.name).type)
            if not _is_convertible(landed, column):
                raise _wrong_type(column, landed)
            self.in_place &= _is_read_alike(landed, column)

    @property
    def received(self) -> int:
        """Rows in the file, by its own footer."""
        return int(self._file.metadata.num_rows)

    def read(self) -> Iterator[Batch]:
        """Batches of columns, text or of the contract's types.

        Raises:
            RefusedFileError: the data cannot be read.
        """
        first = 1
        names = [column.name for column in self._columns]
        try:
            for record_batch in self._file.iter_batches(BATCH_ROWS, columns=names):
                yield self._batch(record_batch, first)
                first += record_batch.num_rows
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _unreadable(error) from None
        if first - 1 != self.received:
            raise RefusedFileError(
                f"the file says it has {self.received} rows and has {first - 1}.", "Land it again."
            )

    def _batch(self, record_batch: pa.RecordBatch, first: int) -> Batch:
        rejects: dict[int, Reject] = {}
        columns: dict[str, pa.Array] = {}
        has_empty_texts = False
        for column in self._columns:
            landed = record_batch.column(column.name)
            array, bad = _to_contract(landed, column)
            array, bad = _within_calendar(array, bad)
            has_empty_texts |= array.null_count > landed.null_count and not bad
            columns[column.name] = array
            for row in bad:
                rejects.setdefault(
                    row,
                    Reject(
                        first + row,
                        None,
                        column.name,
                        None if column.personal else _shown(landed[row]),
                        "inexact_value",
                        f"the value does not become {column.data_type} without loss",
                    ),
                )
        numbers = np.arange(first, first + record_batch.num_rows)
        if rejects:
            keep = np.ones(record_batch.num_rows, bool)
            keep[list(rejects)] = False
            columns = {name: array.filter(pa.array(keep)) for name, array in columns.items()}
            numbers = numbers[keep]
        return Batch(
            columns,
            pa.array(numbers, pa.int64()),
            None,
            tuple(rejects[row] for row in sorted(rejects)),
            has_empty_texts,
        )


def _storage(landed: pa.DataType) -> pa.DataType:
    if isinstance(landed, pa.BaseExtensionType) and not isinstance(landed, pa.UuidType):
        return landed.storage_type
    return landed


def _is_text(landed: pa.DataType) -> bool:
    if pa.types.is_dictionary(landed):
        landed = landed.value_type
    return bool(
        pa.types.is_string(landed) or pa.types.is_large_string(landed) or _is_string_view(landed)
    )


def _is_nested(landed: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(landed) or pa.types.is_large_list(landed) or pa.types.is_struct(landed)
    )


def _is_string_view(landed: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(landed))


def _is_convertible(landed: pa.DataType, column: Column) -> bool:
    if pa.types.is_null(landed) or _is_text(landed):
        return True
    is_number = pa.types.is_integer(landed) or pa.types.is_decimal(landed)
    match column.data_type:
        case "varchar":
            return (
                bool(pa.types.is_integer(landed))
                or isinstance(landed, pa.UuidType)
                or (column.is_json and _is_nested(landed))
            )
        case "bigint":
            # A float has lost cents before it came here; counts may come as floats from pandas.
            return is_number or (bool(pa.types.is_floating(landed)) and not column.is_money)
        case "boolean":
            return bool(pa.types.is_boolean(landed))
        case "date" | "timestamp":
            return bool(pa.types.is_date(landed) or pa.types.is_timestamp(landed))
    return is_number or bool(pa.types.is_floating(landed))


def _is_read_alike(landed: pa.DataType, column: Column) -> bool:
    """Whether a cast in a view gives the contract's value for every value of the landed type."""
    match column.data_type:
        case "varchar":
            return _is_text(landed)
        case "bigint":
            return bool(pa.types.is_integer(landed))
        case "boolean":
            return bool(pa.types.is_boolean(landed))
        case "date":
            return bool(pa.types.is_date32(landed))
        case "timestamp":
            return bool(pa.types.is_date32(landed) or pa.types.is_timestamp(landed))
    shape = column.decimal_shape
    assert shape is not None, column
    return (
        bool(pa.types.is_decimal(landed))
        and landed.scale <= shape[1]
        and landed.precision - landed.scale <= shape[0] - shape[1]
    )


def _to_contract(array: pa.Array, column: Column) -> tuple[pa.Array, list[int]]:
    """Text, or the contract's type with the rows whose value would change."""
    if isinstance(array, pa.ExtensionArray) and not isinstance(array.type, pa.UuidType):
        array = array.storage
    landed, target = array.type, arrow_type(column)
    if pa.types.is_null(landed):
        return pa.nulls(len(array), target), []
    if isinstance(landed, pa.UuidType):
        texts = [None if v.as_py() is None else str(uuid.UUID(str(v.as_py()))) for v in array]
        return pa.array(texts, pa.string()), []
    if _is_text(landed):
        text = pc.cast(array, pa.string())
        text.validate(full=True)
        is_empty = pc.equal(text, "")
        if not pc.any(is_empty, min_count=0).as_py():
            return text, []
        return pc.if_else(is_empty, pa.scalar(None, pa.string()), text), []
    if _is_nested(landed):
        documents = array.to_pylist()
        texts = [None if d is None else json.dumps(d, ensure_ascii=False) for d in documents]
        return pa.array(texts, pa.string()), []
    if column.data_type == "varchar":
        return pc.cast(array, pa.string()), []
    if pa.types.is_timestamp(landed):
        if landed.unit == "ns":
            array = pc.cast(array, pa.timestamp("us", landed.tz), safe=False)
        elif landed.unit != "us":
            array, bad = _cast_or_mark(array, pa.timestamp("us", landed.tz))
            found, more = _cast_or_mark(array, target)
            return found, sorted({*bad, *more})
    return _cast_or_mark(array, target)


def _cast_or_mark(array: pa.Array, target: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Cast all values if that loses nothing, else mark those that would change or do not fit."""
    if pa.types.is_timestamp(array.type) and array.type.tz is not None and array.type != target:
        # The instant in UTC; a direct cast to a day or a naive time would take local time.
        array = pc.cast(pc.cast(array, pa.timestamp("us", "UTC")), pa.timestamp("us"))
    if pa.types.is_timestamp(array.type) and pa.types.is_date(target):
        # Arrow cuts the time of the day off without a word.
        days = pc.cast(array, target, safe=False)
        cut = pc.fill_null(pc.not_equal(pc.cast(days, array.type), array), False)
        return days, np.flatnonzero(cut.to_numpy(zero_copy_only=False)).tolist()
    if pa.types.is_floating(array.type) and pa.types.is_decimal(target):
        return _floats_to_decimals(array, target)
    if pa.types.is_integer(array.type) and pa.types.is_decimal(target):
        # Arrow asks a decimal to hold any integer of the type; its text asks for this one.
        array = pc.cast(array, pa.string())
    try:
        return pc.cast(array, target), []
    except pa.ArrowInvalid:
        pass
    values: list[object] = []
    bad: list[int] = []
    for row in range(len(array)):
        try:
            values.append(pc.cast(array.slice(row, 1), target)[0].as_py())
        except pa.ArrowInvalid:
            values.append(None)
            bad.append(row)
    return pa.array(values, target), bad


def _within_calendar(array: pa.Array, bad: list[int]) -> tuple[pa.Array, list[int]]:
    """Times outside the years 1 to 9999 are null, and marked: no text could have said them."""
    is_time = pa.types.is_date32(array.type) or pa.types.is_timestamp(array.type)
    if not is_time or stands_in_calendar(array):
        return array, bad
    inside = calendar_mask(array)
    outside = np.flatnonzero(~inside.to_numpy(zero_copy_only=False)).tolist()
    kept = pc.if_else(inside, array, pa.scalar(None, array.type))
    return kept, sorted({*bad, *outside})


def _shown(value: pa.Scalar) -> str:
    """A landed value as text, also one that is no value of Python."""
    try:
        return str(value.as_py())
    except (ValueError, OverflowError):
        return str(getattr(value, "value", "(unreadable)"))


def _floats_to_decimals(array: pa.Array, target: pa.DataType) -> tuple[pa.Array, list[int]]:
    """A float is taken where its shortest text is a number of the decimal's digits."""
    values: list[object] = []
    bad: list[int] = []
    for row, number in enumerate(array):
        text = None if number.as_py() is None else format(number.as_py(), "f")
        try:
            exact = None if text is None else pa.scalar(text, pa.string()).cast(target).as_py()
            if exact is not None and float(exact) != number.as_py():
                raise pa.ArrowInvalid("not exact")
            values.append(exact)
        except pa.ArrowInvalid:
            values.append(None)
            bad.append(row)
    return pa.array(values, target), bad


def _unreadable(error: Exception | str) -> RefusedFileError:
    detail = str(error).splitlines()[0].rstrip(".")
    return RefusedFileError(f"no readable Parquet: {detail}.", "Land the file again, whole.")


def _wrong_type(column: Column, landed: pa.DataType) -> RefusedFileError:
    if pa.types.is_floating(landed) and column.is_money:
        return RefusedFileError(
            f"its type is {landed}, and money in floating point is not exact.",
            f"Land whole {column.unit} as a 64-bit integer.",
            column.name,
        )
    return RefusedFileError(
        f"its type is {landed}, which does not become {column.data_type} without loss.",
        f"Land it as {column.data_type}, or as text by the rules for csv.",
        column.name,
    )
