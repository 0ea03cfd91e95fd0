"""Landed columns, read whole: text arrays become typed arrays and a list of what does not fit.

Each reading has a fast way for columns that are all right, which is nearly always, and otherwise
asks `values.parse` about the values that the fast way could not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import values
from orchestration.landing.contract import Column, Table

_NAIVE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?)?$"
_ZONED = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?"
    r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
)


def _of_null_words(place: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """By byte: whether a word for nothing has it at that place, or white space may stand there."""
    known = {word[place] for word in values.NULL_WORDS}
    blank = {*range(0x21), *range(0x7F, 256)}
    return np.array([byte in blank or chr(byte).lower() in known for byte in range(256)])


_BEGINS_NULL_WORD, _ENDS_NULL_WORD = _of_null_words(0), _of_null_words(-1)
_EPOCH = date(1970, 1, 1)
_DAYS = ((date.min - _EPOCH).days, (date.max - _EPOCH).days)
_MICROSECONDS = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)


@dataclass(frozen=True)
class Problem:
    """Why a row cannot be used: `row` is its place in the batch, from 0.

    `unread` are the columns whose value there could not be read.
    """

    row: int
    column: str
    value: str | None
    rule: str
    reason: str
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Converted:
    """A batch after conversion: all rows typed, and the problems, one per row, in row order."""

    table: pa.Table
    problems: tuple[Problem, ...]


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type that a contract type is stored as."""
    shape = column.decimal_shape
    if shape is not None:
        return pa.decimal128(*shape)
    return {
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }[column.data_type]


def convert(table: Table, batch: Mapping[str, pa.Array], rows: int) -> Converted:
    """Type the columns of a batch by the contract; columns that are not there read as null.

    Args:
        table: the contract of the table.
        batch: arrays of `rows` values each by column name: text (null for empty), or already of
            the contract's type.
        rows: number of rows.
    """
    arrays: list[pa.Array] = []
    found: dict[int, list[Problem]] = {}
    for column in table.columns:
        array = batch.get(column.name)
        if array is None:
            array = pa.nulls(rows, arrow_type(column))
        else:
            array, problems = _convert_column(array, column)
            for problem in problems:
                found.setdefault(problem.row, []).append(problem)
        if column.name in table.must_be_filled:
            for problem in _missing(array, column, is_key=column.name in table.key):
                # A text that did not convert is null by now, but that is not what is wrong.
                known = found.setdefault(problem.row, [])
                if all(other.column != column.name for other in known):
                    known.append(problem)
        arrays.append(array)
    return Converted(
        pa.Table.from_arrays(arrays, names=list(table.column_names)),
        tuple(_merge(found[row]) for row in sorted(found)),
    )


def _merge(problems: list[Problem]) -> Problem:
    """One problem per row, so that rows can be counted; the others are named in its reason."""
    first = problems[0]
    if len(problems) == 1:
        return first
    others = ", ".join(f"{p.column} ({p.rule})" for p in problems[1:])
    unread = tuple(name for problem in problems for name in problem.unread)
    reason = f"{first.reason}; also {others}"
    return Problem(first.row, first.column, first.value, first.rule, reason, unread)


def _convert_column(array: pa.Array, column: Column) -> tuple[pa.Array, list[Problem]]:
    target = arrow_type(column)
    if column.data_type == "varchar":
        return _check_text(array, column)
    if not pa.types.is_string(array.type):
        assert array.type == target, (column.name, array.type)
        if _is_within(array, column):
            return array, []
        return _convert_slowly(_as_text(array), column, target)
    fast = _FAST[column.data_type.partition("(")[0]](array, target)
    if fast is not None and _is_within(fast, column):
        return fast, []
    return _convert_slowly(array, column, target)


def _is_within(array: pa.Array, column: Column) -> bool:
    """Whether no number is outside of what a number of the column may be."""
    lowest, highest = values.limits(column)
    if lowest is None and highest is None:
        return True
    bounds = pc.min_max(array)
    if not bounds["min"].is_valid:
        return True
    is_low = lowest is not None and bounds["min"].as_py() < lowest
    return not is_low and (highest is None or bool(bounds["max"].as_py() <= highest))


def _as_text(array: pa.Array) -> pa.Array:
    """As a csv file would have it; Arrow itself writes the decimal 0.0000000000 as 0E-10."""
    if not pa.types.is_decimal(array.type):
        return pc.cast(array, pa.string())
    return pa.array([None if n is None else f"{n:f}" for n in array.to_pylist()], pa.string())


def _check_text(array: pa.Array, column: Column) -> tuple[pa.Array, list[Problem]]:
    fits = _values_are_allowed(array, column) and _text_is_plain(array)
    if not fits:
        return _parse_each(array, column, pa.string(), range(len(array)))
    doubtful = _doubtful_json(array, column) if column.is_json else None
    if column.is_currency:
        doubtful = _doubtful_codes(array)
    if _may_be_null_word(array, column):
        lower = pc.utf8_lower(pc.utf8_trim_whitespace(array))
        doubtful = pc.is_in(lower, value_set=pa.array(sorted(values.NULL_WORDS), pa.string()))
    if column.is_id and _may_be_invisible(array):
        hidden = pc.fill_null(pc.match_substring_regex(array, values.INVISIBLE_CLASS), False)
        doubtful = hidden if doubtful is None else pc.or_(pc.fill_null(doubtful, False), hidden)
    if doubtful is None:
        return array, []
    _, problems = _parse_each(array, column, pa.string(), _rows(doubtful))
    bad = np.zeros(len(array), bool)
    bad[[problem.row for problem in problems]] = True
    return pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), array), problems


def _may_be_invisible(array: pa.Array) -> bool:
    """Whether any byte is other than those of printed ASCII, which nearly all ids are made of."""
    _, data = _buffers(array)
    return bool(len(data) and (data.min() < 0x20 or data.max() >= 0x7F))


def _text_is_plain(array: pa.Array) -> bool:
    """No NUL byte and no text that is too long, as far as a look at the bytes can tell."""
    offsets, data = _buffers(array)
    if len(data) == 0:
        return True
    if data.min() == 0:
        return False
    is_short = len(data) <= values.MAX_TEXT_BYTES
    return is_short or bool(np.diff(offsets).max() <= values.MAX_TEXT_BYTES)


def _values_are_allowed(array: pa.Array, column: Column) -> bool:
    if not column.values:
        return True
    allowed = pc.is_in(array, value_set=pa.array(column.values, pa.string()))
    return bool(pc.all(pc.or_(allowed, pc.is_null(array)), min_count=0).as_py())


def _may_be_null_word(array: pa.Array, column: Column) -> bool:
    """Whether an id may be a word for nothing, as far as its length and ends can tell."""
    if not column.is_id:
        return False
    offsets, data = _buffers(array)
    # Most columns of ids end in digits. (An empty text looks at the end of the one before.)
    if len(data) == 0 or not _ENDS_NULL_WORD[data[offsets[1:] - 1]].any():
        return False
    lengths = np.diff(offsets)
    is_short = (lengths > 0) & (lengths <= values.LONGEST_NULL_WORD)
    first, last = data[offsets[:-1][is_short]], data[offsets[1:][is_short] - 1]
    return bool((_BEGINS_NULL_WORD[first] & _ENDS_NULL_WORD[last]).any())


def _doubtful_json(array: pa.Array, column: Column) -> pa.Array | None:
    """Which texts may not be the JSON of the column; None where all certainly are."""
    documents = pc.unique(array)
    # Of what does not repeat, the detour by the distinct ones costs more than it saves.
    documents = documents if 2 * len(documents) < len(array) else array
    is_good = _is_tiers if column.format == "tiers" else _is_json
    bad = [text for text in documents.to_pylist() if text is not None and not is_good(text, column)]
    if not bad:
        return None
    return pc.is_in(array, value_set=pa.array(list(dict.fromkeys(bad)), pa.string()))


def _doubtful_codes(array: pa.Array) -> pa.Array | None:
    """Which texts are no code of a currency; None where all are. A column has few of them."""
    codes = pc.unique(array).drop_null()
    bad = codes.filter(pc.invert(pc.match_substring_regex(codes, values.CURRENCY_PATTERN)))
    return pc.is_in(array, value_set=bad) if len(bad) else None


def _is_json(text: str, column: Column) -> bool:
    """Whether a strict and quick parser reads it; the slow one gives the reason."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_tiers(text: str, column: Column) -> bool:
    """Prices are few, so that the reference itself is quick enough."""
    try:
        values.parse(text, column)
    except values.BadValueError:
        return False
    return True


def _missing(array: pa.Array, column: Column, *, is_key: bool) -> Iterable[Problem]:
    """Rows where a value must be and none is; text of nothing but white space is none."""
    what = "the key" if is_key else "a required value"
    rule = "key_missing" if is_key else "required_missing"
    for row in _rows(pc.is_null(array)) if array.null_count else ():
        yield Problem(row, column.name, None, rule, f"{what} is missing")
    if pa.types.is_string(array.type) and _may_start_blank(array):
        for row in _rows(pc.fill_null(pc.utf8_is_space(array), False)):
            yield Problem(row, column.name, array[row].as_py(), rule, f"{what} is blank")


def _may_start_blank(array: pa.Array) -> bool:
    """Whether any text starts with a byte that could be white space (no other is blank)."""
    offsets, data = _buffers(array)
    filled = offsets[:-1][np.diff(offsets) > 0]
    first = data[filled]
    return bool(((first <= 0x20) | (first >= 0x7F)).any())


def _convert_integers(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    _, data = _buffers(array)
    # Arrow reads 0x1F as a number; the contract does not.
    if ((data | 0x20) == ord("x")).any():
        return None
    return _cast(array, target)


def _convert_booleans(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    yes = pc.equal(array, "true")
    sure = pc.all(pc.or_(yes, pc.equal(array, "false")), min_count=0)
    return yes if sure.as_py() else None


def _convert_dates(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    return _cast(array, target)


def _convert_timestamps(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    # A cast that fails is slow, so the first value says which one is tried.
    times = _cast(array, iso_type(array) or target)
    return None if times is None else times.view(target)


def iso_type(array: pa.Array) -> pa.DataType | None:
    """The type of time, with zone or without, that the first text is read as; None for others."""
    if array.null_count == len(array):
        return None
    first = array[pc.index(pc.is_valid(array), True).as_py()].as_py()
    if re.fullmatch(_ZONED, first):
        return pa.timestamp("us", "UTC")
    return pa.timestamp("us") if re.fullmatch(_NAIVE, first) else None


def _convert_decimals(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    plain = pc.match_substring_regex(array, r"^-?[0-9]+(\.[0-9]+)?$")
    return _cast(array, target) if pc.all(plain, min_count=0).as_py() else None


_FAST: Mapping[str, Callable[[pa.Array, pa.DataType], pa.Array | None]] = {
    "bigint": _convert_integers,
    "boolean": _convert_booleans,
    "date": _convert_dates,
    "timestamp": _convert_timestamps,
    "decimal": _convert_decimals,
}


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    try:
        cast = pc.cast(array, target)
    except pa.ArrowInvalid:
        return None
    is_time = pa.types.is_date32(cast.type) or pa.types.is_timestamp(cast.type)
    return None if is_time and not stands_in_calendar(cast) else cast


def stands_in_calendar(times: pa.Array) -> bool:
    """Whether all days, or times in microseconds, are of the years 1 to 9999.

    Arrow knows a year 0000, and years after 9999 by way of a time zone.
    """
    is_day = pa.types.is_date32(times.type)
    whole = pc.min_max(times.view(pa.int32() if is_day else pa.int64()))
    first, last = _DAYS if is_day else _MICROSECONDS
    if not whole["min"].is_valid:
        return True
    return bool(first <= whole["min"].as_py() <= whole["max"].as_py() <= last)


def calendar_mask(times: pa.Array) -> pa.Array:
    """By row whether a day, or a time in microseconds, is of the years 1 to 9999; null is."""
    is_day = pa.types.is_date32(times.type)
    whole = times.view(pa.int32() if is_day else pa.int64())
    first, last = _DAYS if is_day else _MICROSECONDS
    inside = pc.and_(pc.greater_equal(whole, first), pc.less_equal(whole, last))
    return pc.fill_null(inside, True)


def _convert_slowly(
    array: pa.Array, column: Column, target: pa.DataType
) -> tuple[pa.Array, list[Problem]]:
    """A column where some values do not fit: those of a plain form at once, the rest singly."""
    done = pa.nulls(len(array), target)
    open_rows = pc.is_valid(array)
    for pattern, through in _forms(column, target):
        matching = pc.and_(open_rows, pc.fill_null(pc.match_substring_regex(array, pattern), False))
        part = _cast(array.filter(matching), through)
        if part is not None:
            done = pc.replace_with_mask(done, matching, part.view(target))
            open_rows = pc.and_not(open_rows, matching)
    parsed, problems = _parse_each(array, column, target, _rows(open_rows))
    return pc.replace_with_mask(done, open_rows, parsed.filter(open_rows)), problems


def _forms(column: Column, target: pa.DataType) -> tuple[tuple[str, pa.DataType], ...]:
    if column.data_type == "timestamp":
        return (_NAIVE, target), (_ZONED, pa.timestamp("us", "UTC"))
    if column.data_type == "bigint":
        lowest, highest = values.limits(column)
        if highest is not None and (lowest is None or lowest > -highest):
            return ()
        # So few digits are within the column's limits.
        digits = len(f"{highest or 10**9:f}") - 1
        return ((rf"^-?[0-9]{{1,{min(digits, 9)}}}$", target),)
    if column.data_type == "date":
        return ((r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", target),)
    return ()


def _parse_each(
    array: pa.Array, column: Column, target: pa.DataType, rows: Iterable[int]
) -> tuple[pa.Array, list[Problem]]:
    """Values of `rows` by the reference; the others, and those with a problem, are null."""
    parsed: list[Any] = [None] * len(array)
    problems: list[Problem] = []
    for row in rows:
        text = array[row].as_py()
        if text is None:
            continue
        try:
            parsed[row] = values.parse(text, column)
        except values.BadValueError as bad:
            shown = values.preview(text, column)
            unread = (column.name,)
            problems.append(Problem(row, column.name, shown, bad.rule, bad.reason, unread))
    return pa.array(parsed, target), problems


def _rows(mask: pa.Array) -> list[int]:
    rows: list[int] = np.flatnonzero(mask.to_numpy(zero_copy_only=False)).tolist()
    return rows


def _buffers(array: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Offsets and bytes of a text array, cut to its slice."""
    _, offset_buffer, data_buffer = array.buffers()
    if len(array) == 0 or data_buffer is None:
        return np.zeros(len(array) + 1, np.int32), np.zeros(0, np.uint8)
    offsets = np.frombuffer(offset_buffer, np.int32)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(data_buffer, np.uint8)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]
