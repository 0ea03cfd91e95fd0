"""`docs/faults.md` lists every row with the tests there are, and none of them failed."""

from __future__ import annotations

import re

from tests.faults.page import NOT_RUN, PAGE, matrix, render, results_on_page

MAKE_IT = "run `python -m tests.faults.page` (with the path of a new test file: only that one)"


def test_the_page_is_that_of_the_tests_there_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(results_on_page(page)) == page, MAKE_IT


def test_no_test_on_the_page_failed() -> None:
    """One that is not run yet says so; `make test` runs it with all others."""
    results = results_on_page(PAGE.read_text(encoding="utf-8"))
    bad = {test: r for test, r in results.items() if r not in ("passed", "skipped", NOT_RUN)}
    assert bad == {}, MAKE_IT


def test_the_matrix_has_every_row_once() -> None:
    rows = matrix()
    ids = [row.id for row in rows]
    assert ids == [
        *(f"F{n:02}" for n in range(1, 89)),
        *(f"I{n:02}" for n in range(1, 23)),
        *(f"S{n:02}" for n in range(1, 20)),
    ]
    assert all(re.search(r"\w", row.fault) and re.search(r"\w", row.required) for row in rows)
