"""Reading csv seeds strictly, with messages that name file, line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from orchestration.errors import ConfigurationError

#: A day after every other: the end of what has no end.
END_OF_TIME = date(9999, 12, 31)


@dataclass(frozen=True)
class Form:
    """What a value may look like: a test, and what to tell who wrote another one."""

    fits: Callable[[str], bool]
    expected: str
    is_optional: bool = False


@dataclass(frozen=True)
class SeedRow:
    """A row of a seed and where it stands (`line` is its last line in the file, from 1)."""

    seed: Path
    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def key(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The values of some columns."""
        return tuple(self.values[column] for column in columns)

    def error(self, column: str, expected: str) -> ConfigurationError:
        """What to raise where the value of a column cannot be used."""
        return ConfigurationError(
            f"{self.seed} line {self.line}: {column} is {self.values[column]!r}; {expected}."
        )

    def from_date(self) -> date:
        """First day of validity."""
        return date.fromisoformat(self.values["valid_from"])

    def to_date(self) -> date:
        """The day after the last one of validity."""
        text = self.values["valid_to"]
        return date.fromisoformat(text) if text else END_OF_TIME


def read_seed(seed: Path, forms: Mapping[str, Form]) -> list[SeedRow]:
    """The rows of a seed, every value in its form.

    Args:
        seed: the csv file.
        forms: what each column may say; the file has exactly these columns, in any order.

    Raises:
        ConfigurationError: naming file, line, column, the value and what is expected.
    """
    rows: list[SeedRow] = []
    try:
        with seed.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, strict=True)
            _check_header(seed, reader.fieldnames or (), forms)
            for values in reader:
                if None in values or any(value is None for value in values.values()):
                    raise ConfigurationError(
                        f"{seed} line {reader.line_num} does not have as many values as columns."
                    )
                row = SeedRow(seed, reader.line_num, values)
                for column, form in forms.items():
                    text = row[column]
                    if not text and not form.is_optional:
                        raise row.error(column, "a value is needed: " + form.expected)
                    if text and not form.fits(text):
                        raise row.error(column, form.expected)
                rows.append(row)
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{seed} cannot be read: {error}.") from error
    return rows


def read_seed_of(
    seeds: Path, seed: str, forms: Mapping[str, Form], *keys: Sequence[str]
) -> list[SeedRow]:
    """The rows of a seed of a folder, none where the file is not there.

    Args:
        seeds: folder of the csv files.
        seed: name of the file, without ending.
        forms: as `read_seed` takes them.
        keys: columns of which no two rows may say the same; any number of such keys.

    Raises:
        ConfigurationError: as `read_seed` and `refuse_twice` do.
    """
    path = seeds / f"{seed}.csv"
    if not path.exists():
        return []
    rows = read_seed(path, forms)
    for key in keys:
        refuse_twice(rows, key)
    return rows


def refuse_twice(rows: Iterable[SeedRow], columns: Sequence[str]) -> None:
    """Refuse two rows that say the same in these columns.

    Raises:
        ConfigurationError: naming both lines.
    """
    seen: dict[tuple[str, ...], SeedRow] = {}
    for row in rows:
        before = seen.setdefault(row.key(columns), row)
        if before is not row:
            raise ConfigurationError(
                f"{row.seed} line {row.line}: {_told(row, columns)} stands already on line "
                f"{before.line}; leave one of them out."
            )


def refuse_overlaps(rows: Iterable[SeedRow], columns: Sequence[str]) -> None:
    """Refuse rows of one key that are valid at the same time, or that end before they begin.

    Raises:
        ConfigurationError: naming both lines and when they overlap.
    """
    by_key: dict[tuple[str, ...], list[SeedRow]] = {}
    for row in rows:
        if row.to_date() <= row.from_date():
            raise row.error("valid_to", f"use a day after valid_from ({row['valid_from']})")
        by_key.setdefault(row.key(columns), []).append(row)
    for same in by_key.values():
        same.sort(key=lambda row: (row.from_date(), row.line))
        for before, row in pairwise(same):
            if row.from_date() < before.to_date():
                raise ConfigurationError(
                    f"{row.seed} line {row.line}: {_told(row, columns)} is valid from "
                    f"{row['valid_from']}, while the row on line {before.line} still is (to "
                    f"{before['valid_to'] or 'ever'}); end that one with valid_to first."
                )


def text() -> Form:
    """Any text."""
    return Form(lambda _: True, "any text")


def name() -> Form:
    """A name as keys have it."""
    return Form(
        lambda value: re.fullmatch(r"[a-z0-9_]+", value) is not None,
        "use lower-case letters, digits and underscores",
    )


def whole() -> Form:
    """A whole number from 0."""
    return Form(
        lambda value: re.fullmatch(r"\d{1,5}", value) is not None, "use a whole number from 0"
    )


def number(low: str | None = None, high: str | None = None, *, above: bool = False) -> Form:
    """A number; with `above` it must be greater than `low`."""

    def fits(value: str) -> bool:
        if re.fullmatch(r"-?\d{1,9}(\.\d{1,6})?", value) is None:
            return False
        exact = Decimal(value)
        if low is not None and (exact < Decimal(low) or (above and exact == Decimal(low))):
            return False
        return high is None or exact <= Decimal(high)

    expected = "use a number such as 0.25"
    if low is not None:
        expected += f", {'above' if above else 'from'} {low}"
    if high is not None:
        expected += f" to {high}"
    return Form(fits, expected)


def day() -> Form:
    """A date."""

    def fits(value: str) -> bool:
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None

    return Form(fits, "use a date such as 2026-01-31")


def one_of(choices: Collection[str], what: str = "") -> Form:
    """One of a few words; `what` says where they come from."""
    listed = ", ".join(sorted(choices)) or "nothing"
    return Form(
        lambda value: value in choices, f"use {f'a {what}: ' if what else 'one of '}{listed}"
    )


def flag() -> Form:
    """Yes or no."""
    return Form(lambda value: value in ("true", "false"), "use true or false")


def optional(form: Form) -> Form:
    """The same, or nothing."""
    return Form(form.fits, form.expected + ", or nothing", is_optional=True)


def _told(row: SeedRow, columns: Sequence[str]) -> str:
    return " ".join(f"{column} {row[column] or 'blank'}" for column in columns)


def _check_header(seed: Path, header: Sequence[str], forms: Mapping[str, Form]) -> None:
    missing = [column for column in forms if column not in header]
    unknown = [column for column in header if column not in forms]
    if missing or unknown:
        parts = []
        if missing:
            parts.append(f"lacks the columns {', '.join(missing)}")
        if unknown:
            parts.append(f"has columns that nobody reads: {', '.join(unknown)}")
        raise ConfigurationError(f"{seed} {' and '.join(parts)}.")
