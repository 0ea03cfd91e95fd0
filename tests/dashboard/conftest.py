"""What the tests of pages look with: a browser, and the marts of the released company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.dashboard.browser import chromium
from tests.dashboard.marks import Ask


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def ask(company: Path) -> Iterator[Ask]:
    with duckdb.connect(company / "home" / "warehouse.duckdb", read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()
