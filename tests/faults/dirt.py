"""A wide grammar of what goes wrong with files, done to the landed tables of one company.

Each kind of dirt takes the rows of a company and a source of chance, and gives the files that land
instead. `HARMLESS` kinds write the same rows in another way, so that every figure must be the
same; all others may change figures, but then something has to be said of it. What no program can
know is not here: a plausible row that is wrong, or is not there, without a manifest.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]
#: Content by name, which is relative to the landing folder.
Files = dict[str, bytes]
Cells = list[list[str]]
Write = Callable[[Any], str]


def written(value: Any) -> str:
    """A value as the contract asks for it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    return value.isoformat() if isinstance(value, date) else str(value)


def table_cells(rows: Sequence[Row], write: Write = written) -> Cells:
    """Header and rows of a table as texts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([write(row.get(name)) for name in names] for row in rows)]


def as_csv(cells: Cells, ending: str = "\n", quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    """Texts as csv by Python's own writer."""
    text = io.StringIO()
    csv.writer(text, lineterminator=ending, quoting=quoting).writerows(cells)
    return text.getvalue().encode()


def clean(rows: Rows, name: str) -> Files:
    """A csv file for each table, as they should be."""
    return {f"{folder(t)}/{name}.csv": as_csv(table_cells(some)) for t, some in rows.items()}


def folder(table: str) -> str:
    """The landing folder of `source.table`."""
    return table.replace(".", "/")


def _each(rows: Rows, name: str, change: Callable[[Cells], bytes], suffix: str = ".csv") -> Files:
    return {f"{folder(t)}/{name}{suffix}": change(table_cells(some)) for t, some in rows.items()}


def _spelled(rows: Rows, name: str, write: Write) -> Files:
    return {f"{folder(t)}/{name}.csv": as_csv(table_cells(s, write)) for t, s in rows.items()}


# Harmless: the same rows, written in another way.


def other_column_order(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        order = chance.sample(range(len(cells[0])), len(cells[0]))
        return as_csv([[row[place] for place in order] for row in cells])

    return _each(rows, name, change)


def more_columns(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        return as_csv([["x y", *cells[0], "ü"], *(["1,5", *row, "\n"] for row in cells[1:])])

    return _each(rows, name, change)


def carriage_returns(rows: Rows, name: str, chance: random.Random) -> Files:
    return _each(rows, name, lambda cells: as_csv(cells, "\r\n"))


def byte_order_mark(rows: Rows, name: str, chance: random.Random) -> Files:
    return _each(rows, name, lambda cells: b"\xef\xbb\xbf" + as_csv(cells))


def all_in_quotes(rows: Rows, name: str, chance: random.Random) -> Files:
    return _each(rows, name, lambda cells: as_csv(cells, quoting=csv.QUOTE_ALL))


def packed(rows: Rows, name: str, chance: random.Random) -> Files:
    return _each(rows, name, lambda cells: gzip.compress(as_csv(cells)), ".csv.gz")


def as_json_lines(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(some: Sequence[Row]) -> bytes:
        lines = (
            {k: v if isinstance(v, bool | int) else written(v) for k, v in row.items() if v != ""}
            for row in some
        )
        return "".join(json.dumps(line) + "\n" for line in lines).encode()

    return {f"{folder(t)}/{name}.jsonl": change(some) for t, some in rows.items()}


def rows_in_any_order_and_twice(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        body = cells[1:] + [row for row in cells[1:] if chance.random() < 0.5]
        return as_csv([cells[0], *chance.sample(body, len(body))])

    return _each(rows, name, change)


def several_files_with_odd_names(rows: Rows, name: str, chance: random.Random) -> Files:
    files: Files = {}
    for table, some in rows.items():
        cells = table_cells(some)
        for row in cells[1:]:
            part = chance.choice(("a b", "ü%20'", "x.CSV/part", "[1-2]*", "-rf"))
            path = f"{folder(table)}/{name} {part}.csv"
            files[path] = files.get(path, as_csv(cells[:1])) + as_csv([row])
        files[f"{folder(table)}/{name} empty.csv"] = as_csv(cells[:1])
        files[f"{folder(table)}/.{name}.csv.swp"] = b"rubbish"
        files[f"{folder(table)}/{name}.csv.part"] = b"id,rubb"
    return files


def times_with_offsets(rows: Rows, name: str, chance: random.Random) -> Files:
    def write(value: Any) -> str:
        if not isinstance(value, datetime):
            return written(value)
        zone = timezone(timedelta(minutes=chance.choice((-720, -210, 0, 330, 840))))
        moment = value.replace(tzinfo=timezone.utc).astimezone(zone)  # noqa: UP017
        return chance.choice((moment.isoformat(), moment.isoformat(" ", "milliseconds")))

    return _spelled(rows, name, write)


def zeros_before_numbers(rows: Rows, name: str, chance: random.Random) -> Files:
    def write(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            return written(value)
        return "0" * chance.randint(0, 3) + str(value)

    return _spelled(rows, name, write)


def old_versions_come_again_later(rows: Rows, name: str, chance: random.Random) -> Files:
    """A second file, by name after the first, with some of the rows once more."""
    files = clean(rows, name)
    for table, some in rows.items():
        again = [row for row in table_cells(some)[1:] if chance.random() < 0.6]
        files[f"{folder(table)}/{name} z.csv"] = as_csv([table_cells(some)[0], *again])
    return files


HARMLESS = (
    other_column_order,
    more_columns,
    carriage_returns,
    byte_order_mark,
    all_in_quotes,
    packed,
    as_json_lines,
    rows_in_any_order_and_twice,
    several_files_with_odd_names,
    times_with_offsets,
    zeros_before_numbers,
    old_versions_come_again_later,
)


# Harmful: what is said of it has to account for whatever changes.

NASTY_WORDS = (
    *("NULL", r"\N", "N/A", "None", "-", " ", "?", "1,234.56", "1.234,56", "1 234", "12.5", "1e3"),
    *("-1", "-9223372036854775808", "9" * 25, "٣", "0x10", "TRUE", "1704067200", "1704067200000"),
    *("31/12/2024", "0000-00-00", "1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2024-02-30"),
    *("2031-01-01T00:00:00Z", "12:00", "XXX", "€", "active ", "Active", "=1+1", "a\0b", "x" * 500),
    "",
)


def _one_table(rows: Rows, chance: random.Random, *among: str) -> str:
    return chance.choice(sorted(t for t in rows if rows[t] and (not among or t in among)))


def _changed(rows: Rows, name: str, table: str, change: Callable[[Cells], bytes]) -> Files:
    files = clean(rows, name)
    files[f"{folder(table)}/{name}.csv"] = change(table_cells(rows[table]))
    return files


def a_nasty_word(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        row, column = chance.randrange(1, len(cells)), chance.randrange(len(cells[0]))
        cells[row][column] = chance.choice(NASTY_WORDS)
        return as_csv(cells)

    return _changed(rows, name, _one_table(rows, chance), change)


def blanks_around_a_value(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        row, column = chance.randrange(1, len(cells)), chance.randrange(len(cells[0]))
        blank = chance.choice((" ", "\t", "\u00a0", "\u200b"))
        before = cells[row][column]
        cells[row][column] = chance.choice((before + blank, blank + before))
        return as_csv(cells)

    return _changed(rows, name, _one_table(rows, chance), change)


def other_letters_in_a_word(rows: Rows, name: str, chance: random.Random) -> Files:
    """A status, a currency, an id in other letters: `Active`, `eur`, `S1`."""

    def change(cells: Cells) -> bytes:
        row, column = chance.randrange(1, len(cells)), chance.randrange(len(cells[0]))
        cells[row][column] = cells[row][column].swapcase()
        return as_csv(cells)

    return _changed(rows, name, _one_table(rows, chance), change)


def a_column_renamed_or_gone_or_twice(rows: Rows, name: str, chance: random.Random) -> Files:
    def change(cells: Cells) -> bytes:
        column, kind = chance.randrange(len(cells[0])), chance.randrange(4)
        if kind == 0:
            cells[0][column] = cells[0][column].upper()
        elif kind == 1:
            cells[0][column] += " "
        elif kind == 2:
            return as_csv([[*row[:column], *row[column + 1 :]] for row in cells])
        else:
            return as_csv([[*row, row[column]] for row in cells])
        return as_csv(cells)

    return _changed(rows, name, _one_table(rows, chance), change)


def broken_bytes(rows: Rows, name: str, chance: random.Random) -> Files:
    """Cut off, an odd quote, a field too few or too many, another encoding, another delimiter."""

    def change(cells: Cells) -> bytes:
        content = as_csv(cells)
        at = chance.randrange(len(as_csv(cells[:1])), len(content))
        kind = chance.randrange(7)
        if kind == 0:
            return content[:at]
        if kind == 1:
            return content[:at] + chance.choice((b'"', b",", b"\n", b"\r", b"\0")) + content[at:]
        if kind == 2:
            return content[:at] + chance.choice((b"\xe9", b"\xff\xfe", b"\xc3")) + content[at:]
        if kind == 3:
            return content.decode().encode(chance.choice(("utf-16", "utf-32")))
        if kind == 4:
            return content.replace(b",", chance.choice((b";", b"\t", b"|")))
        if kind == 5:
            return gzip.compress(content)
        return b"exported 2024\n" + content

    return _changed(rows, name, _one_table(rows, chance), change)


def a_parent_is_gone(rows: Rows, name: str, chance: random.Random) -> Files:
    """All rows of a subscription, price or invoice are missing that others name."""
    table = _one_table(rows, chance, "billing.subscriptions", "billing.prices", "billing.invoices")
    gone = chance.choice([row["id"] for row in rows[table]])
    rest = [row for row in rows[table] if row["id"] != gone]
    return clean({**rows, table: rest} if rest else {**rows, table: []}, name)


def _new_value(
    rows: Rows, name: str, chance: random.Random, table: str, change: Callable[[Row], Row]
) -> Files:
    some = list(rows[table])
    place = chance.randrange(len(some))
    some[place] = change(some[place])
    return clean({**rows, table: some}, name)


def an_amount_below_zero_or_huge(rows: Rows, name: str, chance: random.Random) -> Files:
    if chance.random() < 0.5:
        amount = chance.choice((-500, -1, 2**62, -(2**62)))
        return _new_value(
            rows, name, chance, "billing.prices", lambda r: {**r, "unit_amount": amount}
        )
    quantity = chance.choice((-3, -1, 2**62))
    return _new_value(
        rows, name, chance, "billing.subscription_items", lambda r: {**r, "quantity": quantity}
    )


def an_unknown_word(rows: Rows, name: str, chance: random.Random) -> Files:
    table, column, words = chance.choice(
        (
            ("billing.subscriptions", "status", ("suspended", "ACTIVE", "cancelled", "0")),
            ("billing.prices", "currency", ("XXX", "US$", "EURO", "XBT", "")),
            ("billing.prices", "interval", ("fortnight", "months", "MONTH", "")),
            ("billing.prices", "type", ("subscription", "Recurring")),
        )
    )
    word = chance.choice(words)
    return _new_value(rows, name, chance, table, lambda r: {**r, column: word})


def times_in_the_wrong_place(rows: Rows, name: str, chance: random.Random) -> Files:
    """The end before the start, a start in the future or before computers."""
    column = chance.choice(("start_date", "created", "updated_at", "ended_at", "trial_end"))
    when = chance.choice(
        (datetime(1970, 1, 1), datetime(1899, 12, 30), datetime(2999, 1, 1), datetime(2031, 5, 5))
    )
    return _new_value(rows, name, chance, "billing.subscriptions", lambda r: {**r, column: when})


def one_key_with_two_contents(rows: Rows, name: str, chance: random.Random) -> Files:
    """The same version of a row says two things, so one of the two cannot be so."""
    some = list(rows["billing.prices"])
    row = dict(chance.choice(some))
    row["unit_amount"] = (row.get("unit_amount") or 0) + 100
    return clean({**rows, "billing.prices": [*some, row]}, name)


HARMFUL = (
    a_nasty_word,
    blanks_around_a_value,
    other_letters_in_a_word,
    a_column_renamed_or_gone_or_twice,
    broken_bytes,
    a_parent_is_gone,
    an_amount_below_zero_or_huge,
    an_unknown_word,
    times_in_the_wrong_place,
    one_key_with_two_contents,
)
