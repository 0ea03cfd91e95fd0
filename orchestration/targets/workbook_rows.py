"""Figures of long tables, written a row at a time.

xlsxwriter makes an object of every cell, looks for thirty newer functions in every formula and
builds every tag from its attributes: of 57,000 formulas and 0.36 million figures that was two
thirds of the time that a workbook took. Here the figures and formulas that stand
side by side in a row are one text, from a template that is made once per table. The file has the
same bytes as when the library writes cell by cell (a test holds the two together). Texts stay with
the library, which knows what a cell may hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range
from xlsxwriter.worksheet import Worksheet


@dataclass(frozen=True)
class Cells:
    """A column of figures: its format, and the formula of its cells if they have one.

    The formula begins with `=`; `{row}` in it stands for the number of the row. It names no
    function that is newer than Excel 2010, which the library would have to mark.
    """

    form: Format
    formula: str | None = None


class _Template:
    """What cells side by side look like, where some of them are empty."""

    def __init__(self, columns: Sequence[Cells], first_col: int, empty: Sequence[bool]) -> None:
        self._columns = columns
        self._first_col = first_col
        self._empty = empty
        self._text = ""

    def filled(self, row: int, figures: Sequence[float]) -> str:
        """The cells of a row, which is counted from 1."""
        if not self._text:
            # Not before: formats are numbered in the order in which cells are written.
            self._text = "".join(self._cell(place) for place in range(len(self._columns)))
        return self._text.format(*figures, row=row)

    def _cell(self, place: int) -> str:
        column = self._columns[place]
        letter = xl_col_to_name(self._first_col + place)
        start = f'<c r="{letter}{{row}}" s="{column.form._get_xf_index()}"'
        if column.formula is not None:
            return f"{start}><f>{escape(column.formula.removeprefix('='))}</f><v>0</v></c>"
        if self._empty[place]:
            return f"{start}/>"
        return f"{start}><v>{{{place}:.16G}}</v></c>"


@dataclass(frozen=True, slots=True)
class _Figures:
    """The cells of a row; it stands in the place of the first of them."""

    template: _Template
    values: tuple[float, ...]


#: In the place of the last of several cells that are written together: so wide is the row.
_COVERED = object()


class RowSheet(Worksheet):  # type: ignore[misc]
    """A sheet that also takes figures by the row."""

    def __init__(self) -> None:
        super().__init__()
        self._templates: dict[tuple[int, int, tuple[bool, ...]], _Template] = {}

    def add_long_table(
        self, first_row: int, first_col: int, last_row: int, last_col: int, options: dict[str, Any]
    ) -> None:
        """`add_table` for the only table of a sheet.

        The library notes every cell of a table, lest another one overlaps it; here it is shown the
        first row alone.
        """
        self.add_table(first_row, first_col, first_row + 1, last_col, options)
        whole = xl_range(first_row, first_col, last_row, last_col)
        self.tables[-1].update({"range": whole, "a_range": whole, "autofilter": whole})

    def write_figures(
        self, row: int, col: int, columns: Sequence[Cells], values: Iterable[Any]
    ) -> None:
        """Write cells that stand side by side.

        Args:
            row: the row, from 0.
            col: column of the first cell, from 0.
            columns: what the cells are; the same object for all rows of a table.
            values: one for each column: a finite number, or None for an empty cell. Columns with
                a formula come last, and have none.

        Raises:
            ValueError: a place outside of what a sheet has, or no finite number.
        """
        given = tuple(values)
        empty = tuple(value is None for value in given)
        key = (id(columns), col, empty)
        template = self._templates.get(key)
        if template is None:
            template = self._templates[key] = _Template(columns, col, empty)
        last = col + len(columns) - 1
        if self._check_dimensions(row, col) or self._check_dimensions(row, last):
            raise ValueError(f"There is no cell {row}, {last} in a sheet.")
        cells = self.table[row]
        cells[last] = _COVERED
        # As floats: a workbook knows nothing else.
        figures = tuple(0.0 if value is None else float(value) for value in given)
        if not all(map(isfinite, figures)):
            raise ValueError(f"{given} in row {row + 1} has what is no figure.")
        cells[col] = _Figures(template, figures)

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        if isinstance(cell, _Figures):
            self.fh.write(cell.template.filled(row + 1, cell.values))
        elif cell is not _COVERED:
            super()._write_cell(row, col, cell)
