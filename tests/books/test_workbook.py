"""The workbook ties out when a spreadsheet recalculates it, and says so when a figure is wrong."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from orchestration.control import Release
from orchestration.settings import load_settings
from orchestration.targets.workbook import Edition, converge_workbook, workbook_path
from orchestration.targets.workbook_figures import Figures
from orchestration.targets.workbook_sheets import write_sheets
from tests.books.calc import recalculated

EDITION = Edition(
    month=date(2026, 10, 1),
    release_n=12,
    published_at=datetime(2026, 11, 2, 7, 30),
    as_of=date(2026, 11, 1),
    policy_id="board_strict",
    currency="USD",
)
NAMES = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "=HYPERLINK(0)", "https://example.com", "12")
SHEETS = (
    "Checks",
    "Waterfall",
    "Customers",
    "Cohorts",
    "Reconciliation",
    "Revenue",
    "Restatements",
)


def row(*values: Any) -> tuple[Any, ...]:
    """Texts with a point are money."""
    return tuple(
        Decimal(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
        for value in values
    )


def figures() -> Figures:
    """October: 300 opens; +100 won, −50 contraction, +0.10 exchange rates; 350.10 closes."""
    cents = Decimal("0.10")
    september = row(date(2026, 9, 1), "0", "300", "0", "0", "0", "0", "0", "300", 0, 2, 0, 0, 2)
    october = (
        date(2026, 10, 1),
        *map(Decimal, (300, 100, 0, 0, -50, 0)),
        cents,
        Decimal("350.10"),
        *(2, 1, 0, 0, 3),
    )
    customers = [
        ("a", NAMES[0], *map(Decimal, (100, 0, 0, 0, -50, 0, 0, 50))),
        ("b", NAMES[1], *map(Decimal, (200, 0, 0, 0, 0, 0)), cents, Decimal("200.10")),
        ("c", NAMES[2], *map(Decimal, (0, 100, 0, 0, 0, 0, 0, 100))),
        *((f"z{n}", name, *[Decimal(0)] * 8) for n, name in enumerate(NAMES[3:])),
    ]
    none = [None] * 11
    cohorts = [
        (date(2026, 9, 1), 2, Decimal(300), Decimal("250.10"), Decimal(1), Decimal("0.8"), *none),
        (date(2026, 10, 1), 1, Decimal(100), Decimal(100), Decimal(1), None, *none),
    ]
    reconciliation = [
        row("a", "50", "50", "0", "matched", "10", "60", "5", "50", "5", "0", "0", "20"),
        ("b", Decimal("200.10"), Decimal(200), cents, "timing", *[Decimal(0)] * 8),
        row("c", "100", "0", "100", "not_invoiced", *["0"] * 8),
    ]
    revenue = [row("a", "100", "0", "60", "70", "90", "0", "5", "65")]
    closed = ("2026-10.1", "ada", datetime(2026, 11, 2), 11, "f" * 64, Decimal(300))
    late = "billing.subscriptions/s1"
    restated = [("2026-10.1", 12, "c", Decimal(50), Decimal("50.10"), "late_row", late)]
    return Figures(
        [september, october], customers, cohorts, reconciliation, revenue, closed, restated
    )


def written(folder: Path, content: Figures, name: str = "workbook.xlsx") -> Path:
    path = folder / name
    write_sheets(path, EDITION, content)
    return path


def checks(book: openpyxl.Workbook) -> dict[str, Any]:
    return {
        sentence: value
        for sentence, value in book["Checks"].iter_rows(min_row=5, max_col=2, values_only=True)
        if sentence
    }


TOTAL = "All checks, added up without their signs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the profile of Calc, which takes its time to make."""
    return tmp_path_factory.mktemp("workbook")


def test_it_ties_out_when_calc_recalculates_it(folder: Path) -> None:
    found = checks(recalculated(written(folder, figures()), folder))
    assert "It ties out." in found
    assert found.pop(TOTAL) == 0
    found.pop("It ties out.")
    assert len(found) == 19
    assert set(found.values()) == {0}


def wrong_waterfall(good: Figures) -> Figures:
    *earlier, last = good.months
    return replace(good, months=[*earlier, (*last[:2], last[2] + Decimal("0.01"), *last[3:])])


def wrong_residual(good: Figures) -> Figures:
    first, *rest = good.reconciliation
    return replace(good, reconciliation=[(*first[:6], first[6] + 1, *first[7:]), *rest])


def test_one_wrong_cent_is_seen(folder: Path) -> None:
    content = wrong_residual(wrong_waterfall(figures()))
    found = checks(recalculated(written(folder, content, "wrong.xlsx"), folder))
    assert "IT DOES NOT TIE OUT." in found
    assert {sentence: value for sentence, value in found.items() if value} == {
        "Waterfall: opening and movements are the closing, in every month": 0.01,
        "Customers: the sum of new is the waterfall's": -0.01,
        "Reconciliation: everything billed has a place; no customer has a residual": 1,
        TOTAL: 1.02,
    }


@pytest.mark.fault("F87", "S08")
def test_no_name_starts_a_formula(folder: Path) -> None:
    sheet = openpyxl.load_workbook(written(folder, figures()))["Customers"]
    cells = [sheet.cell(line, 2) for line in range(5, 5 + len(NAMES))]
    assert [cell.value for cell in cells] == list(NAMES)
    # Formulas of ours have the type f; what looks like one in a name is shared text.
    with zipfile.ZipFile(folder / "workbook.xlsx") as package:
        xml = package.read("xl/worksheets/sheet3.xml").decode()
    assert xml.count("<f>") == len(NAMES)
    assert all(f'<c r="B{line}"' in xml for line in range(5, 5 + len(NAMES)))
    assert "HYPERLINK" not in xml
    assert "hyperlink" not in xml


def test_the_same_release_gives_the_same_bytes(folder: Path) -> None:
    first = written(folder, figures(), "first.xlsx").read_bytes()
    assert written(folder, figures(), "second.xlsx").read_bytes() == first


def test_it_is_fit_to_be_read_and_printed(folder: Path) -> None:
    book = openpyxl.load_workbook(written(folder, figures()))
    assert tuple(book.sheetnames) == SHEETS
    for sheet in book:
        assert sheet.freeze_panes == "B5"
        assert len(sheet.tables) == 1
        assert sheet.page_setup.orientation == "landscape"
        # One page wide (the default of the attribute), as many high as it takes.
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.print_title_rows == "$4:$4"
    assert [len(sheet._charts) for sheet in book] == [0, 1, 0, 0, 0, 0, 0]
    assert book["Waterfall"]["I6"].number_format == "#,##0.00;[Red]-#,##0.00"


def test_an_open_month_says_that_it_is_open(folder: Path) -> None:
    content = replace(figures(), closed=None, restatements=[])
    book = openpyxl.load_workbook(written(folder, content, "open.xlsx"))
    assert book["Restatements"]["A3"].value == "The month is not closed."


def test_each_sheet_is_told_with_its_rows(folder: Path) -> None:
    shown: list[str] = []
    write_sheets(folder / "told.xlsx", EDITION, figures(), shown.append)
    assert shown == [
        "workbook: sheet 1 of 7, Waterfall, 2 rows",
        "workbook: sheet 2 of 7, Customers, 8 rows",
        "workbook: sheet 3 of 7, Cohorts, 2 rows",
        "workbook: sheet 4 of 7, Reconciliation, 3 rows",
        "workbook: sheet 5 of 7, Revenue, 1 row",
        "workbook: sheet 6 of 7, Restatements, 1 row",
        "workbook: sheet 7 of 7, Checks, 19 rows",
        "workbook: the file itself",
    ]
    assert len(openpyxl.load_workbook(folder / "told.xlsx").sheetnames) == 7


def test_a_workbook_never_holds_up_a_release(tmp_path: Path) -> None:
    settings = load_settings({"HOLDFAST_HOME": str(tmp_path)})
    release = Release(3, "r", "f", "s", 1, datetime(2026, 11, 2), date(2026, 11, 1))
    said: list[str] = []
    converge_workbook(settings, None, said.append)
    assert said == []
    converge_workbook(settings, release, said.append)
    assert len(said) == 1
    assert "workbook: not written" in said[0]
    assert "the release stands" in said[0]
    assert not workbook_path(settings, date(2026, 10, 1), 3).exists()
