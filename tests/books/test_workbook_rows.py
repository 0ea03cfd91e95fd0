"""Figures that are written by the row are the bytes that xlsxwriter writes cell by cell."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from orchestration.targets.workbook_rows import Cells, RowSheet

#: Of each row: a text, then figures; the last two columns are formulas.
ROWS: list[tuple[str, tuple[Any, ...]]] = [
    ("first", (Decimal("0.10"), 3, None)),
    ("<&> second", (Decimal("-1234567.89"), 0, Decimal("0.000001"))),
    ("first", (None, None, None)),
    ("fourth", (Decimal("99999999999999.99"), -5, Decimal("1E+3"))),
    *((f"customer {n}", (Decimal(n) / 3, n, None if n % 2 else Decimal(n))) for n in range(40)),
]
FORMULAS = ("=ROUND(B{row}+C{row}-D{row},2)", '=IF(AND(B{row}<>0,C{row}>1),"a&b",0)')
LAST = 5 + len(ROWS) - 1


def book_with(path: Path) -> tuple[xlsxwriter.Workbook, Any, dict[str, Any]]:
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"created": datetime(2026, 11, 1)})
    formats = {
        "text": book.add_format({}),
        "money": book.add_format({"num_format": "0.00"}),
        "count": book.add_format({"num_format": "0"}),
    }
    sheet = book.add_worksheet("Some", RowSheet)
    sheet.write_string(0, 0, "Title", formats["text"])
    return book, sheet, formats


def options() -> dict[str, Any]:
    return {"name": "Some", "columns": [{"header": letter} for letter in "ABCDEF"]}


def by_cell(path: Path) -> bytes:
    """By what the library offers to everybody."""
    book, sheet, formats = book_with(path)
    sheet.add_table(4, 0, LAST, 5, options())
    for row, (text, values) in enumerate(ROWS, start=5):
        sheet.write_string(row, 0, text, formats["text"])
        for col, value in enumerate(values, start=1):
            form = formats["count" if col == 2 else "money"]
            if value is None:
                sheet.write_blank(row, col, None, form)
            else:
                sheet.write_number(row, col, float(value), form)
        for col, formula in enumerate(FORMULAS, start=4):
            sheet.write_formula(row, col, formula.replace("{row}", str(row + 1)), formats["money"])
    book.close()
    return path.read_bytes()


def by_row(path: Path) -> bytes:
    book, sheet, formats = book_with(path)
    sheet.add_long_table(4, 0, LAST, 5, options())
    money, count = Cells(formats["money"]), Cells(formats["count"])
    columns = (money, count, money, *(Cells(formats["money"], formula) for formula in FORMULAS))
    for row, (text, values) in enumerate(ROWS, start=5):
        sheet.write_string(row, 0, text, formats["text"])
        sheet.write_figures(row, 1, columns, values)
    book.close()
    return path.read_bytes()


def test_by_row_and_by_cell_are_the_same_bytes(tmp_path: Path) -> None:
    assert by_row(tmp_path / "row.xlsx") == by_cell(tmp_path / "cell.xlsx")


def test_a_figure_that_is_none_is_refused(tmp_path: Path) -> None:
    """Excel takes a file with such a cell for broken."""
    book, sheet, formats = book_with(tmp_path / "none.xlsx")
    for value in (Decimal("NaN"), float("inf")):
        with pytest.raises(ValueError, match="no figure"):
            sheet.write_figures(5, 1, (Cells(formats["money"]),), (value,))
    with pytest.raises(ValueError, match="no cell"):
        sheet.write_figures(2**20, 1, (Cells(formats["money"]),), (1,))
    book.close()
