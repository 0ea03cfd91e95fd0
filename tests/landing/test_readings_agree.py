"""The readers against independent ones: a csv automaton, Python's csv, and the value reference."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.landing.columns import arrow_type, convert
from orchestration.landing.contract import Column, Table
from orchestration.landing.csv_reader import CsvReader
from orchestration.landing.report import RefusedFileError
from orchestration.landing.values import BadValueError, parse


def _column(name: str, data_type: str = "varchar", **more: Any) -> Column:
    given_: dict[str, Any] = {
        "required": False,
        "values": (),
        "personal": False,
        "unit": None,
        "format": None,
    }
    return Column(name, data_type, **{**given_, **more})


def _table(*columns: Column) -> Table:
    return Table("billing", "things", "", (columns[0].name,), None, columns)


TEXTS = _table(_column("a"), _column("b"), _column("c"))


def _read(
    content: bytes, block_bytes: int
) -> tuple[list[tuple[int, list[str | None]]], list[tuple[int, int]]]:
    """Rows of a csv file with the columns a, b, c, each with its line; and the numbers and lines
    of the rows set aside.
    """
    rows: list[tuple[int, list[str | None]]] = []
    rejects: list[tuple[int, int]] = []
    numbers: list[int] = []
    for batch in CsvReader(io.BytesIO(content), TEXTS, block_bytes).read():
        columns = [batch.columns[name].to_pylist() for name in "abc"]
        assert batch.lines is not None
        lines = batch.lines.to_pylist()
        rows += [(line, list(row)) for line, *row in zip(lines, *columns, strict=True)]
        numbers += batch.file_rows.to_pylist()
        rejects += [(reject.file_row, reject.line or 0) for reject in batch.rejects]
    numbers += [number for number, _ in rejects]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return rows, rejects


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
tricky = st.text(st.sampled_from(['"', ",", "\n", "\r", " ", "a", "é"]), max_size=6)


@given(
    rows=st.lists(st.tuples(*[st.one_of(text, tricky)] * 3), max_size=8),
    line_ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block_bytes=st.integers(1, 80),
)
@settings(max_examples=200, deadline=None)
def test_f03_what_python_writes_is_read_back(
    rows: list[tuple[str, str, str]], line_ending: str, quoting: Any, block_bytes: int
) -> None:
    rows = [row for row in rows if row != ("a", "b", "c")]
    if any("\r" in field for row in rows for field in row):
        # With MINIMAL and LF, Python 3.11 leaves a carriage return without quotes: not RFC 4180.
        quoting = csv.QUOTE_ALL
    written = io.StringIO()
    writer = csv.writer(written, lineterminator=line_ending, quoting=quoting)
    writer.writerows([("a", "b", "c"), *rows])
    read, rejects = _read(written.getvalue().encode(), block_bytes)
    assert [row for _, row in read] == [[field or None for field in row] for row in rows]
    assert rejects == []


def _automaton(content: str) -> list[tuple[int, list[str]]] | None:
    """Records of a csv text by RFC 4180, character by character, with the lines they begin on;
    None where it is not csv.
    """
    newline = content.find("\n")
    ending = "\r\n" if newline > 0 and content[newline - 1] == "\r" else "\n"
    records: list[tuple[int, list[str]]] = []
    record: list[str] = []
    at = start = 0
    while at < len(content):
        field = ""
        if content[at] == '"':
            at += 1
            while True:
                end = content.find('"', at)
                if end < 0:
                    return None
                field += content[at:end]
                at = end + 1
                if content[at : at + 1] != '"':
                    break
                field += '"'
                at += 1
        else:
            while at < len(content) and content[at] not in ',\r\n"':
                field += content[at]
                at += 1
        record.append(field)
        if content.startswith(",", at):
            at += 1
            if at == len(content):
                return None
        elif content.startswith(ending, at):
            at += len(ending)
            records.append((content.count("\n", 0, start) + 1, record))
            record, start = [], at
        else:
            return None
    return None if record else records


@given(
    pieces=st.lists(st.sampled_from(['"', '"', ",", "\n", "\r", "\r\n", "x", ",,\n"]), max_size=14),
    line_ending=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    block_bytes=st.integers(1, 12),
)
@example(['""""\n'], "\n", False, 100)
@example(['"",,""\n"""",,\n'], "\n", False, 3)
@settings(max_examples=1500, deadline=None)
def test_f04_f05_f06_f12_the_reader_is_the_automaton(
    pieces: list[str], line_ending: str, is_ended: bool, block_bytes: int
) -> None:
    content = "a,b,c" + line_ending + "".join(pieces) + (line_ending if is_ended else "")
    expected = _automaton(content)
    if expected is None:
        with pytest.raises(RefusedFileError):
            _read(content.encode(), block_bytes)
        return
    rows, rejects = _read(content.encode(), block_bytes)
    body = expected[1:]
    assert rows == [
        (line, [field or None for field in record]) for line, record in body if len(record) == 3
    ]
    assert rejects == [(n, line) for n, (line, record) in enumerate(body, 1) if len(record) != 3]


# Texts that are nearly numbers, days or times: the pieces of good ones, in any order.
_WORDS = """
    0 1 9 12 59 60 123 000 9999 - + . : T Z e x \u0663 true false 2024-02-29 2023-02-29 0000-01-01
    NULL null N/A \\N (null) T23:59:59 .123456 +05:30 9223372036854775807 9223372036854775808
"""
nearly = st.lists(st.sampled_from([*_WORDS.split(), " ", " 00:00:00"]), min_size=1, max_size=5).map(
    "".join
)
good = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.decimals(-2000, 2000, places=7).map(lambda d: format(d, "f")),
    st.dates().map(date.isoformat),
    st.datetimes().map(datetime.isoformat),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    st.booleans().map(lambda b: str(b).lower()),
)


@pytest.mark.parametrize(
    "data_type", ["id", "bigint", "boolean", "date", "timestamp", "decimal(9,6)", "varchar"]
)
@given(landed=st.lists(st.one_of(nearly, good, st.none()), max_size=6))
@settings(max_examples=200, deadline=None)
def test_columns_at_once_read_as_values_do_one_by_one(
    data_type: str, landed: list[str | None]
) -> None:
    values = ("1", "12", "true") if data_type == "varchar" else ()
    name = "v_id" if data_type == "id" else "v"
    column = _column(name, "varchar" if data_type == "id" else data_type, values=values)
    table = _table(_column("k"), column)
    keys = pa.array(["k"] * len(landed), pa.string())
    converted = convert(table, {"k": keys, name: pa.array(landed, pa.string())}, len(landed))
    expected: list[Any] = []
    problems: list[tuple[int, str]] = []
    for row, landed_text in enumerate(landed):
        try:
            expected.append(None if landed_text is None else parse(landed_text, column))
        except BadValueError as bad:
            problems.append((row, bad.rule))
            expected.append(None)
    assert converted.table[name].type == arrow_type(column)
    assert converted.table[name].to_pylist() == expected
    assert [(problem.row, problem.rule) for problem in converted.problems] == problems


@given(landed=st.one_of(nearly, good))
@settings(max_examples=500, deadline=None)
def test_the_reference_takes_only_what_reads_back(landed: str) -> None:
    """A value that was taken, written in its plainest form, is the number or day of its text."""
    for data_type in ("bigint", "decimal(9,6)", "date"):
        try:
            value = parse(landed, _column("v", data_type))
        except BadValueError:
            continue
        if data_type == "date":
            assert isinstance(value, date)
            assert value.isoformat() == landed
        else:
            assert isinstance(value, int | Decimal)
            assert Decimal(landed) == value


_MOMENTS = """
    2024-01-01T00:00:00Z 2024-02-29T23:59:59.5Z 2024-03-10T02:30:00+05:30 2024-01-01T00:00:00
    2024-01-01 2024-01-01T00:00:00.1234567Z 0000-01-01T00:00:00Z 9999-12-31T23:59:59-01:00 v
    1712345678 NULL
"""
moments = st.sampled_from([*_MOMENTS.split(), " 2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z ", ""])


@given(
    landed=st.lists(st.tuples(moments, st.booleans()), min_size=1, max_size=12),
    block_bytes=st.integers(20, 120),
)
@settings(max_examples=400, deadline=None)
def test_times_that_arrow_types_while_it_parses_are_read_by_the_same_rules(
    landed: list[tuple[str, bool]], block_bytes: int
) -> None:
    """However the blocks fall, a time or its problem is that of the reference."""
    column = _column("v", "timestamp")
    table = _table(_column("k"), column)
    records = [f'c,"{text}"' if quoted else f"c,{text}" for text, quoted in landed]
    content = "\n".join(["k,v", "c,2024-01-01T00:00:00Z", *records, "short", ""]).encode()
    reader = CsvReader(io.BytesIO(content), table, block_bytes)
    read: list[Any] = []
    rules: list[str] = []
    for batch in reader.read():
        converted = convert(table, batch.columns, len(batch.file_rows))
        read += converted.table["v"].to_pylist()
        rules += [problem.rule for problem in converted.problems]
        rules += [reject.rule for reject in batch.rejects]
    expected: list[Any] = [datetime(2024, 1, 1)]
    expected_rules: list[str] = []
    for text, _ in landed:
        try:
            expected.append(parse(text, column) if text else None)
        except BadValueError as bad:
            expected.append(None)
            expected_rules.append(bad.rule)
    assert read == expected
    assert rules == [*expected_rules, "too_few_fields"]
    assert reader.received == len(landed) + 2
