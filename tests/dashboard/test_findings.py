"""Data health lists money that does not fit its invoice, the largest difference first."""

from __future__ import annotations

from datetime import date, datetime

import duckdb

from dashboard.edition import Edition
from dashboard.model import Block, Empty, Listing
from dashboard.pages.data_health import data_health
from dashboard.released import Released

EDITION = Edition(2, datetime(2026, 11, 2, 7, 30), date(2026, 10, 31), "USD", "f" * 64, "run-2")
#: What the page reads besides, without a row.
LOGS = """
    create schema quality;
    create table quality.run_log (run_id varchar, published_at timestamp);
    create table quality.check_results (run_id varchar, stage varchar, subject varchar,
        name varchar, is_passed boolean, is_skipped boolean, is_blocking boolean);
    create table quality.load_log (source varchar, table_name varchar, file varchar,
        rows_received bigint, loaded_at timestamp);
    create table quality.billing_findings (finding varchar, source varchar, table_name varchar,
        row_key varchar, invoice_id varchar, customer_id varchar, currency varchar,
        expected_amount decimal(22, 4), found_amount decimal(22, 4), detail varchar);
"""


def shown(connection: duckdb.DuckDBPyConnection) -> tuple[Block, ...]:
    page = data_health(Released(connection, EDITION, "board_strict", "Board, strict"))
    return next(section.blocks for section in page.sections if section.key == "quarantine")


def test_findings_are_listed_with_both_amounts_and_what_to_do() -> None:
    with duckdb.connect() as connection:
        connection.execute(LOGS)
        connection.execute("""
            insert into quality.billing_findings values
            ('paid_above_total', 'billing', 'invoices', 'in1', 'in1', 'c', 'USD', 31, 62, 'refund'),
            ('line_in_other_currency', 'billing', 'invoice_line_items', 'l', 'in2', 'd', 'EUR',
                null, 500, 'land it'),
            ('total_is_not_its_lines', 'billing', 'invoices', 'in3', 'in3', 'c', 'JPY', 50, 1, 'x')
        """)
        (listing,) = shown(connection)
        assert isinstance(listing, Listing)
        assert listing.title == "3 rows of billing do not fit their invoice"
        assert listing.table.cells == [
            ["line in other currency", "in2", "l", "d", "EUR", "–", "500.00", "land it"],
            ["total is not its lines", "in3", "in3", "c", "JPY", "50.00", "1.00", "x"],
            ["paid above total", "in1", "in1", "c", "USD", "31.00", "62.00", "refund"],
        ]


def test_without_findings_the_page_says_so() -> None:
    with duckdb.connect() as connection:
        connection.execute(LOGS)
        (block,) = shown(connection)
        assert isinstance(block, Empty)
        assert block.title == "Invoices, lines and payments fit"
