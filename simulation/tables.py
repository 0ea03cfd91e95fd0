"""Raw tables as whole-number columns with the way each is written out.

A column is an array of whole numbers and an SQL expression (of DuckDB) that makes its landed value:
identifiers, timestamps and texts of millions of rows are formatted by the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.columns import NULL
from simulation.config import AnyArray, Ints


@dataclass(frozen=True)
class Column:
    """Values and how they are written; `{0}` in `sql` stands for the value.

    The value NULL is written as null.
    """

    values: AnyArray
    sql: str = "{0}"

    def expression(self, name: str) -> str:
        """The SQL of the landed value of column `name`."""
        written = self.sql.replace("{0}", f'"{name}"')
        return f'case when "{name}" = {NULL} then null else {written} end as "{name}"'


@dataclass(frozen=True)
class RawTable:
    """A table of the raw contract.

    Attributes:
        source: folder and source name, such as billing.
        name: table name.
        columns: landed columns in order.
        landed: second at which each row reached the landing folder.
        formats: file formats, one after the other over the deliveries.
    """

    source: str
    name: str
    columns: dict[str, Column]
    landed: Ints
    formats: tuple[str, ...] = ("parquet",)


def ids(prefix: str, numbers: Ints, width: int = 8) -> Column:
    """Identifiers such as cus_00000042; their order is that of the numbers."""
    return Column(numbers, f"'{prefix}_' || printf('%0{width}d', {{0}})")


def whole(values: Ints) -> Column:
    """Whole numbers as they are."""
    return Column(values)


def flag(values: AnyArray) -> Column:
    """Booleans from 0 and 1."""
    return Column(values.astype("int64"), "({0} = 1)")


def instant(seconds: Ints) -> Column:
    """Timestamps from seconds since 1970, UTC."""
    return Column(seconds, "make_timestamp({0} * 1000000)")


def day(days: Ints) -> Column:
    """Dates from days since 1970-01-01."""
    return Column(days, "(date '1970-01-01' + {0}::integer)")


def code(labels: Sequence[str], numbers: Ints) -> Column:
    """One of the labels by number from 0."""
    listed = ", ".join(text(label) for label in labels)
    return Column(numbers, f"([{listed}])[{{0}} + 1]")


def decimal(scaled: Ints, digits: int) -> Column:
    """Exact decimals from whole numbers of 10^-digits."""
    factor = "0." + "0" * (digits - 1) + "1"
    return Column(scaled, f"({{0}}::decimal(18, 0) * {factor}::decimal(18, {digits}))")


def expression(values: AnyArray, sql: str) -> Column:
    """Any SQL expression of the value `{0}`."""
    return Column(values, sql)


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"
