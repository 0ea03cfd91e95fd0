"""The sheets of the month-end workbook: tables, check formulas, one chart, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from orchestration.books.periods import month_name
from orchestration.errors import HoldfastError
from orchestration.targets.workbook_figures import COHORT_AGES, Figures, Rows

if TYPE_CHECKING:
    from orchestration.targets.workbook import Edition

#: Excel has so many rows; a company with more customers needs the mart itself.
MAX_ROWS = 1_000_000
HEADER_ROW = 3
#: Sheets; each has one table.
TABLES = 7
_WIDTHS = {"text": 18, "long": 34, "money": 14, "count": 11, "month": 11, "share": 9, "date": 17}
_FLOW_NAMES = ("New", "Reactivation", "Expansion", "Contraction", "Churn", "Exchange rates")


@dataclass(frozen=True)
class Column:
    """A column of a table: its header and kind (a key of the formats); a formula, or values."""

    header: str
    kind: str
    formula: str | None = None


@dataclass(frozen=True)
class Placed:
    """A table on its sheet: where its cells are."""

    sheet: str
    first_row: int
    last_row: int
    columns: dict[str, int]

    def range_of(self, header: str) -> str:
        """The cells of a column, as a formula of another sheet names them."""
        letter = xl_col_to_name(self.columns[header], True)
        return f"'{self.sheet}'!{letter}${self.first_row + 1}:{letter}${self.last_row + 1}"

    def last_of(self, header: str) -> str:
        """The last cell of a column."""
        cell = xl_rowcol_to_cell(self.last_row, self.columns[header], True, True)
        return f"'{self.sheet}'!{cell}"


def money(header: str, formula: str | None = None) -> Column:
    """A column of money."""
    return Column(header, "money", formula)


def write_sheets(
    path: Path,
    edition: Edition,
    figures: Figures,
    show: Callable[[str], None] | None = None,
) -> None:
    """Write the workbook; the same edition and figures give the same bytes.

    Args:
        path: of the file.
        edition: what it is of.
        figures: rows of the sheets.
        show: is given passing lines: which sheet is written, and that the file is.

    Raises:
        HoldfastError: a table has more rows than a sheet holds.
    """
    with xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        _Writer(book, edition, show).write(figures)
        if show:
            # The library writes when the book is closed; half the time is still to come.
            show("workbook: the file itself")


class _Writer:
    def __init__(
        self,
        book: xlsxwriter.Workbook,
        edition: Edition,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._book = book
        self._edition = edition
        self._show = show
        self._tables = 0
        self._checks: list[tuple[str, str]] = []
        amount = "#,##0.00;[Red]-#,##0.00"
        self._formats = {
            "text": book.add_format({}),
            "long": book.add_format({}),
            "money": book.add_format({"num_format": amount}),
            "count": book.add_format({"num_format": "#,##0"}),
            "month": book.add_format({"num_format": "mmm yyyy", "align": "left"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        }
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._note = book.add_format({"italic": True, "font_color": "#595959"})
        header = {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1}
        self._header = book.add_format(header)
        # Over figures the header stands where they do.
        self._header_right = book.add_format({**header, "align": "right"})
        self._bold = book.add_format({"bold": True, "num_format": amount})
        # The time of the release, not of the writing: the same release gives the same bytes.
        book.set_properties(
            {
                "title": f"Month-end {edition.month:%Y-%m}",
                "author": "Holdfast",
                "created": edition.published_at,
            }
        )

    def write(self, figures: Figures) -> None:
        summary = self._sheet("Checks", "Does it tie out?")
        waterfall = self._waterfall(figures)
        customers = self._customers(figures, waterfall)
        self._cohorts(figures, waterfall)
        self._reconciliation(figures, waterfall)
        self._revenue(figures)
        self._restatements(figures, customers)
        self._summary(summary)

    def _sheet(self, name: str, title: str) -> Any:
        sheet = self._book.add_worksheet(name)
        edition = self._edition
        sheet.write_string(0, 0, f"{month_name(edition.month)}: {title}", self._title)
        sheet.write_string(
            1,
            0,
            f"Release {edition.release_n}, as of {edition.as_of}, policy {edition.policy_id}, "
            f"{edition.currency}",
            self._note,
        )
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4)
        sheet.set_footer(f"&LHoldfast, release {edition.release_n}&C&A&RPage &P of &N")
        sheet.hide_gridlines(2)
        return sheet

    def _table(self, sheet: Any, name: str, columns: Sequence[Column], rows: Rows) -> Placed:
        """A table with frozen headers; its values are written by type, never guessed from text."""
        if len(rows) > MAX_ROWS:
            raise HoldfastError(
                f"{name} has {len(rows):,} rows, more than a sheet holds; use the mart itself."
            )
        self._tables += 1
        if self._show:
            count = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
            self._show(f"workbook: sheet {self._tables} of {TABLES}, {name}, {count}")
        first = HEADER_ROW + 1
        last = HEADER_ROW + max(len(rows), 1)
        sheet.add_table(
            HEADER_ROW,
            0,
            last,
            len(columns) - 1,
            {
                "name": name,
                "style": "Table Style Light 1",
                "columns": [
                    {
                        "header": column.header,
                        "header_format": self._header_right
                        if column.kind in ("money", "count", "share")
                        else self._header,
                    }
                    for column in columns
                ],
            },
        )
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDTHS[column.kind])
        for offset, row in enumerate(rows):
            for place, column in enumerate(columns):
                where = (first + offset, place)
                if column.formula is not None:
                    formula = column.formula.replace("{row}", str(first + offset + 1))
                    sheet.write_formula(*where, formula, self._formats[column.kind])
                else:
                    self._write(sheet, where, column.kind, row[place])
        sheet.set_row(HEADER_ROW, 32)
        sheet.freeze_panes(first, 1)
        sheet.repeat_rows(HEADER_ROW)
        return Placed(
            sheet.get_name(),
            first,
            last,
            {column.header: place for place, column in enumerate(columns)},
        )

    def _write(self, sheet: Any, where: tuple[int, int], kind: str, value: Any) -> None:
        form = self._formats[kind]
        if value is None:
            sheet.write_blank(*where, None, form)
        elif kind in ("text", "long"):
            sheet.write_string(*where, str(value), form)
        elif isinstance(value, datetime | date):
            sheet.write_datetime(*where, value, form)
        else:
            sheet.write_number(*where, float(value), form)

    def _check(self, sentence: str, formula: str) -> None:
        self._checks.append((sentence, formula))

    def _waterfall(self, figures: Figures) -> Placed:
        sheet = self._sheet("Waterfall", "MRR waterfall")
        headers = ("Opening", *_FLOW_NAMES, "Closing")
        columns = [
            Column("Month", "month"),
            *(money(header) for header in headers),
            *(
                Column(header, "count")
                for header in ("Customers opening", "Won", "Back", "Lost", "Customers closing")
            ),
            money("Check", "=ROUND(SUM(B{row}:H{row})-I{row},2)"),
        ]
        placed = self._table(sheet, "Waterfall", columns, figures.months)
        self._check(
            "Waterfall: opening and movements are the closing, in every month",
            f"=SUMPRODUCT(ABS({placed.range_of('Check')}))",
        )
        if len(figures.months) > 1:
            opening, closing = (
                xl_col_to_name(placed.columns[header], True) for header in ("Opening", "Closing")
            )
            first, last = placed.first_row + 1, placed.last_row + 1
            self._check(
                "Waterfall: a month opens with the closing of the one before",
                f"=ROUND(SUMPRODUCT(ABS('Waterfall'!{opening}${first + 1}:{opening}${last}"
                f"-'Waterfall'!{closing}${first}:{closing}${last - 1})),2)",
            )
        self._chart(sheet, placed)
        return placed

    def _chart(self, sheet: Any, placed: Placed) -> None:
        """Movements stacked by month, closing MRR as a line."""
        chart = self._book.add_chart({"type": "column", "subtype": "stacked"})
        colors = ("#1b7837", "#7fbf7b", "#a6dba0", "#f4a582", "#b2182b", "#999999")
        months = f"={placed.range_of('Month')}"
        for header, color in zip(_FLOW_NAMES, colors, strict=True):
            chart.add_series(
                {
                    "name": header,
                    "categories": months,
                    "values": f"={placed.range_of(header)}",
                    "fill": {"color": color},
                }
            )
        line = self._book.add_chart({"type": "line"})
        line.add_series(
            {
                "name": "Closing MRR (right)",
                "categories": months,
                "values": f"={placed.range_of('Closing')}",
                "line": {"color": "#2166ac", "width": 2},
                "y2_axis": True,
            }
        )
        chart.combine(line)
        chart.set_title({"name": "What moved MRR", "name_font": {"size": 12}})
        chart.set_x_axis({"num_format": "mmm yy", "label_position": "low", "text_axis": True})
        chart.set_y_axis({"num_format": "#,##0", "name": self._edition.currency})
        line.set_y2_axis({"num_format": "#,##0", "min": 0})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 900, "height": 340})
        sheet.insert_chart(placed.last_row + 2, 0, chart)

    def _customers(self, figures: Figures, waterfall: Placed) -> Placed:
        sheet = self._sheet("Customers", "MRR of each customer, rolled forward")
        headers = ("Opening", *_FLOW_NAMES, "Closing")
        placed = self._table(
            sheet,
            "Customers",
            [
                Column("Customer", "text"),
                Column("Name", "long"),
                *(money(header) for header in headers),
                money("Check", "=ROUND(SUM(C{row}:I{row})-J{row},2)"),
            ],
            figures.customers,
        )
        self._check(
            "Customers: opening and movements are the closing, for every customer",
            f"=SUMPRODUCT(ABS({placed.range_of('Check')}))",
        )
        for header in headers:
            self._check(
                f"Customers: the sum of {header.lower()} is the waterfall's",
                f"=ROUND(SUM({placed.range_of(header)})-{waterfall.last_of(header)},2)",
            )
        return placed

    def _cohorts(self, figures: Figures, waterfall: Placed) -> None:
        sheet = self._sheet("Cohorts", "net retention of cohorts by months since the first payment")
        ages = [Column(f"Month {age}", "share") for age in range(COHORT_AGES + 1)]
        placed = self._table(
            sheet,
            "Cohorts",
            [
                Column("Cohort", "month"),
                Column("Customers at start", "count"),
                money("MRR at start"),
                money("MRR now"),
                *ages,
            ],
            figures.cohorts,
        )
        first, last = placed.first_row, placed.last_row
        sheet.conditional_format(
            first,
            placed.columns["Month 0"],
            last,
            placed.columns[f"Month {COHORT_AGES}"],
            {
                "type": "3_color_scale",
                "min_type": "num",
                "mid_type": "num",
                "max_type": "num",
                "min_value": 0,
                "mid_value": 1,
                "max_value": 1.5,
                "min_color": "#f4a582",
                "mid_color": "#ffffff",
                "max_color": "#a6dba0",
            },
        )
        self._check(
            "Cohorts: what all cohorts pay now is the closing MRR",
            f"=ROUND(SUM({placed.range_of('MRR now')})-{waterfall.last_of('Closing')},2)",
        )

    def _reconciliation(self, figures: Figures, waterfall: Placed) -> None:
        sheet = self._sheet("Reconciliation", "MRR against invoices, and billed to outstanding")
        placed = self._table(
            sheet,
            "Reconciliation",
            [
                Column("Customer", "text"),
                money("Subscription MRR"),
                money("Invoice MRR"),
                money("Difference"),
                Column("Reason", "text"),
                money("Owed at start"),
                money("Billed"),
                money("Credited"),
                money("Collected"),
                money("Refunded"),
                money("Conceded"),
                money("Written off"),
                money("Owed at end"),
                money(
                    "Residual", "=ROUND(F{row}+G{row}-H{row}-I{row}+J{row}-K{row}-L{row}-M{row},2)"
                ),
                money("Check", "=ROUND(B{row}-C{row}-D{row},2)"),
            ],
            figures.reconciliation,
        )
        self._check(
            "Reconciliation: everything billed has a place; no customer has a residual",
            f"=SUMPRODUCT(ABS({placed.range_of('Residual')}))",
        )
        self._check(
            "Reconciliation: differences are those of the two MRRs",
            f"=SUMPRODUCT(ABS({placed.range_of('Check')}))",
        )
        self._check(
            "Reconciliation: every difference has a reason",
            f"=SUMPRODUCT((ROUND({placed.range_of('Difference')},2)<>0)"
            f'*({placed.range_of("Reason")}=""))',
        )
        self._check(
            "Reconciliation: subscription MRR is the closing MRR (policies that count customers)",
            f"=ROUND(SUM({placed.range_of('Subscription MRR')})-{waterfall.last_of('Closing')},2)",
        )

    def _revenue(self, figures: Figures) -> None:
        sheet = self._sheet("Revenue", "recognised, deferred and unbilled revenue")
        placed = self._table(
            sheet,
            "Revenue",
            [
                Column("Customer", "text"),
                money("Deferred at start"),
                money("Unbilled at start"),
                money("Billed"),
                money("Earned"),
                money("Deferred at end"),
                money("Unbilled at end"),
                money("Credited"),
                money("Recognised"),
                money("Check", "=ROUND(B{row}-C{row}+D{row}-E{row}-F{row}+G{row},2)"),
                money("Check 2", "=ROUND(E{row}-H{row}-I{row},2)"),
            ],
            figures.revenue,
        )
        self._check(
            "Revenue: deferred less unbilled rolls forward, for every customer",
            f"=SUMPRODUCT(ABS({placed.range_of('Check')}))",
        )
        self._check(
            "Revenue: recognised is earned less credited",
            f"=SUMPRODUCT(ABS({placed.range_of('Check 2')}))",
        )

    def _restatements(self, figures: Figures, customers: Placed) -> None:
        sheet = self._sheet("Restatements", "what changed since the month was closed")
        placed = self._table(
            sheet,
            "Restatements",
            [
                Column("Close", "text"),
                Column("Release", "count"),
                Column("Customer", "text"),
                money("As closed"),
                money("Difference"),
                Column("Cause", "text"),
                Column("Raw rows", "long"),
            ],
            figures.restatements,
        )
        if figures.closed is None:
            sheet.write_string(2, 0, "The month is not closed.", self._note)
            return
        close_id, who, when, release, content_hash, closing = figures.closed
        sheet.write_string(
            2,
            0,
            f"Closed as {close_id} by {who} on {when:%Y-%m-%d %H:%M} UTC with release {release}, "
            f"sha256 {content_hash[:16]}; closing MRR as closed:",
            self._note,
        )
        sheet.write_number(2, 6, float(closing), self._bold)
        self._check(
            "Restatements: as closed and all differences are the closing MRR now",
            f"=ROUND('Restatements'!$G$3+SUM({placed.range_of('Difference')})"
            f"-SUM({customers.range_of('Closing')}),2)",
        )

    def _summary(self, sheet: Any) -> None:
        placed = self._table(
            sheet,
            "Checks",
            [Column("Check", "long"), Column("Has to be 0", "money")],
            [(sentence, None) for sentence, _ in self._checks],
        )
        sheet.set_column(0, 0, 78)
        for offset, (_, formula) in enumerate(self._checks):
            sheet.write_formula(placed.first_row + offset, 1, formula, self._formats["money"])
        total, verdict = placed.last_row + 2, placed.last_row + 3
        sheet.write_string(total, 0, "All checks, added up without their signs", self._bold)
        sheet.write_formula(
            total, 1, f"=SUMPRODUCT(ABS({placed.range_of('Has to be 0')}))", self._bold
        )
        sheet.write_formula(
            verdict,
            0,
            f'=IF({xl_rowcol_to_cell(total, 1)}=0,"It ties out.","IT DOES NOT TIE OUT.")',
            self._bold,
            "It ties out.",
        )
        sheet.activate()
