"""The guides do what they say: their code is run on a release, and prints what they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guides import GUIDES, Example, blocks, examples, fits, run

PAGES = sorted(GUIDES.glob("*.md"))
EXAMPLES = [example for page in PAGES for example in examples(page)]

#: Commands that make a release or write files, and the tests that run them.
HELD_ELSEWHERE = {
    "python -m simulation": "tests/support/released_company.py",
    "export": "tests/docs/guides.py",
    "make run": "tests/support/released_company.py",
    "make close": "tests/books/test_run.py",
    "make workbook": "tests/books/test_workbook.py",
    "make diff": "tests/books/test_diff.py",
    "make dev": "tests/orchestration/test_dagster_job.py",
    "make test": "this",
}


def test_there_are_guides_with_code() -> None:
    assert {page.stem for page in PAGES} == {
        "bi",
        "customer_success",
        "data_engineers",
        "finance",
    }
    for page in PAGES:
        assert len(examples(page)) >= 4, page.name


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{example.guide}:{example.line}" for example in EXAMPLES]
)
def test_code_prints_what_the_guide_shows(example: Example, company: Path) -> None:
    printed = run(example, company / "home")
    assert example.output is not None, "the guide does not show what this prints"
    assert fits(example.output, printed), f"it prints:\n{printed}"


def test_what_is_not_run_is_held_elsewhere() -> None:
    for page in PAGES:
        for kind, content, line in blocks(page.read_text(encoding="utf-8")):
            assert kind in ("console", "sql", "python", "text", "sh"), f"{page.name}:{line}"
            if kind != "sh":
                continue
            for command in content.replace("\\\n", " ").splitlines():
                assert any(command.startswith(known) for known in HELD_ELSEWHERE), command


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\nc\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "b\nd\n", False),
        ("run 20261122T125652-1d3a89\n", "run 20270101T000000-abcdef\n", True),
        ("534,354.77 USD\n", "534,354.78 USD\n", False),
    ],
)
def test_only_what_changes_from_run_to_run_is_passed_over(
    shown: str, printed: str, same: bool
) -> None:
    assert fits(shown, printed) == same
