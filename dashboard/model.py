"""What a page is made of. Pages are data; `render.py` makes HTML of them.

A figure never stands alone: a chart or a table names its unit, its mart and what it leaves out, and
has its exact values beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from dashboard.numbers import Kind, shown

#: Right-aligned in tables.
NUMBERS: frozenset[Kind] = frozenset({"money", "count", "share", "ratio", "points", "measure"})
#: Signs from which on a column of text is one to read, and gets its width first.
TO_READ = 36


@dataclass(frozen=True)
class Column:
    """A column: its name in the mart (and in the file), what stands above it, how it reads."""

    name: str
    header: str
    kind: Kind = "text"

    @property
    def is_number(self) -> bool:
        """Whether it is aligned to the right."""
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Table:
    """Exact values; a row has one value per column, as it came from the mart."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def cells(self) -> list[list[str]]:
        """The rows as they read."""
        kinds = [column.kind for column in self.columns]
        return [[shown(v, k) for v, k in zip(row, kinds, strict=True)] for row in self.rows]

    @property
    def kinds(self) -> list[Kind]:
        """Kinds of the columns, for the file."""
        return [column.kind for column in self.columns]

    @property
    def places_to_read(self) -> list[int]:
        """Columns of sentences: squeezed to the width of a word they would be very high."""
        return [
            at
            for at, column in enumerate(self.columns)
            if column.kind == "text"
            and any(len(str(row[at] or "")) >= TO_READ for row in self.rows)
        ]


def table(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of any sequences."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))


@dataclass(frozen=True)
class Swatch:
    """A colour of a chart (a CSS variable without its dashes) and what it stands for."""

    colour: str
    text: str
    is_line: bool = False
    is_dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart with everything that is owed to its reader.

    Attributes:
        key: unique on the page; also the name of its file.
        title: says what is seen, with the figure that matters.
        unit: of the values.
        source: the mart.
        spec: Vega-Lite (`charts.py`); every bar, point and cell has its exact value as description.
        table: the exact values.
        legend: what colours stand for.
        notes: what has to be known to read it: a broken axis, an unfinished month, small samples.
        min_width: pixels; a narrower screen scrolls the chart, not the page.
    """

    key: str
    title: str
    unit: str
    source: str
    spec: dict[str, Any]
    table: Table
    legend: tuple[Swatch, ...] = ()
    notes: tuple[str, ...] = ()
    min_width: int = 0
    is_wide: bool = True
    block: ClassVar[str] = "chart"


@dataclass(frozen=True)
class Listing:
    """A table that is looked at for itself; a long one sorts, filters and has pages."""

    key: str
    title: str
    unit: str
    source: str
    table: Table
    notes: tuple[str, ...] = ()
    #: Columns (by name) whose cells are words of a status, and the tone of each word.
    tones: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    #: Columns (by name) that the reader may narrow to one value; such a table is always searched.
    filters: tuple[str, ...] = ()
    is_wide: bool = True
    block: ClassVar[str] = "listing"

    @property
    def filter_places(self) -> list[int]:
        """Places of the columns of `filters`."""
        names = [column.name for column in self.table.columns]
        return [names.index(name) for name in self.filters]

    def tone(self, column: str, text: str) -> str:
        """The tone of a status word: good, fair, bad, or none."""
        return dict(dict(self.tones).get(column, ())).get(text, "")


@dataclass(frozen=True)
class Tile:
    """A headline figure.

    Attributes:
        label: what it is.
        value: the figure as it reads.
        minor: the end of it in smaller type (cents, unit).
        period: what time it is of.
        changes: lines of comparison.
        status: words on its target; `tone` is good, fair, bad or none.
        source: the mart.
        trend: values of the months up to it, drawn small; the charts have them exact.
    """

    label: str
    value: str
    minor: str = ""
    period: str = ""
    changes: tuple[str, ...] = ()
    status: str = ""
    tone: str = ""
    source: str = ""
    trend: tuple[Decimal | int | None, ...] = ()

    @property
    def line(self) -> str:
        """The trend as an SVG path in a box of 100 by 24; empty where there is none to see."""
        known = [(at, float(value)) for at, value in enumerate(self.trend) if value is not None]
        if len(known) < 3:
            return ""
        low = min(value for _, value in known)
        span = max(value for _, value in known) - low
        wide = len(self.trend) - 1
        points = [
            f"{100 * at / wide:.1f} {22 - 20 * (value - low) / span if span else 12:.1f}"
            for at, value in known
        ]
        return "M" + " L".join(points)


@dataclass(frozen=True)
class Tiles:
    """Headline figures side by side."""

    tiles: tuple[Tile, ...]
    block: ClassVar[str] = "tiles"


@dataclass(frozen=True)
class Prose:
    """Sentences; `is_list` makes them points."""

    sentences: tuple[str, ...]
    is_list: bool = False
    block: ClassVar[str] = "prose"


@dataclass(frozen=True)
class Empty:
    """What is said where there is nothing to show, and why."""

    title: str
    why: str
    block: ClassVar[str] = "empty"


@dataclass(frozen=True)
class Figure:
    """A chart without data, which the browser fills with those of what is looked up.

    Attributes:
        key: unique on the page.
        title: says what is seen; the browser adds the figure that matters.
        unit: of the values.
        source: the mart.
        spec: Vega-Lite without rows.
        headers: of its table of exact values.
    """

    key: str
    title: str
    unit: str
    source: str
    spec: dict[str, Any]
    headers: tuple[str, ...]


@dataclass(frozen=True)
class Lookup:
    """One customer at a time, looked up by name or id; `customer.js` fills it.

    Attributes:
        customers: how many can be looked up.
        per_file: customers in one file of data.
        sources: mart of each part.
        figures: charts to be filled.
    """

    customers: int
    per_file: int
    sources: dict[str, str]
    figures: tuple[Figure, ...]
    block: ClassVar[str] = "lookup"


Block = Chart | Listing | Tiles | Prose | Empty | Lookup


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    lead: str = ""


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        key: names its file.
        title: above it and in the navigation.
        lead: what it answers.
        sections: its parts.
        scripts: files of `static` that it needs besides the common ones.
        write: writes what the page loads, beside it, into the folder of the dashboard, and says
            how far it is.
    """

    key: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    scripts: tuple[str, ...] = ()
    write: Callable[[Path, Callable[[str], None]], None] | None = None

    @property
    def file(self) -> str:
        """Its file; the overview is what opens."""
        return "index.html" if self.key == "overview" else f"{self.key}.html"

    @property
    def rows(self) -> int:
        """Rows of all its charts and tables."""
        return sum(
            len(block.table.rows)
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Chart | Listing)
        )
