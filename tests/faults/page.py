"""Makes `docs/faults.md`: each row of the fault matrix, the tests that hold it, what they came to.

A test names its rows by its own name (`test_f04_f05_records_of_other_lengths`) or by a mark,
`@pytest.mark.fault("F69")`. F.. are faults, I.. invariants, S.. risks of security; the rows are
`tests/faults/matrix.csv`, whose column `open` says why a row is not held yet.

    python -m tests.faults.page              runs all tests that name a row, and writes the page
    python -m tests.faults.page PATH ...     runs those of these files only; the others keep
                                             the result that the page has
    python -m tests.faults.page --report report.xml
                                             takes the results of a run of all tests, made by
                                             PYTEST_ADDOPTS=--junitxml=report.xml make test
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "faults.md"
MATRIX = Path(__file__).with_name("matrix.csv")
TESTS = PROJECT_DIR / "tests"
NOT_RUN = "not run"
_ROWS_IN_NAME = re.compile(r"test_((?:[fis]\d{2}_)+)")
_RESULT_ON_PAGE = re.compile(r"`(tests/[^`]+::test_\w+)` ([a-z ]+?)(?=<br>| \|)")


@dataclass(frozen=True)
class Row:
    """A row of the matrix; `open` says why it is not held (yet), empty where it is."""

    id: str
    group: str
    fault: str
    required: str
    open: str


def matrix() -> tuple[Row, ...]:
    """All rows, in order."""
    with MATRIX.open(encoding="utf-8", newline="") as stream:
        return tuple(Row(**row) for row in csv.DictReader(stream))


def named_tests() -> dict[str, list[str]]:
    """Node ids (`file::function`) of the tests that name each row, without running any."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        file_rows = [row for node in tree.body if _is_pytestmark(node) for row in _marks(node)]
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
                continue
            match = _ROWS_IN_NAME.match(function.name)
            named = match.group(1).strip("_").upper().split("_") if match else []
            marked = [row for mark in function.decorator_list for row in _marks(mark)]
            node_id = f"{path.relative_to(PROJECT_DIR).as_posix()}::{function.name}"
            for row in dict.fromkeys([*named, *marked, *file_rows]):
                found.setdefault(row, []).append(node_id)
    return found


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _marks(tree: ast.AST) -> Iterator[str]:
    """The rows in calls of `pytest.mark.fault` below a node."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "fault"
        ):
            yield from (str(ast.literal_eval(argument)) for argument in node.args)


def run_tests(paths: Sequence[str]) -> dict[str, str]:
    """Run the tests that name a row and lie in one of the paths (none: all); results by node id."""
    node_ids = sorted({test for tests in named_tests().values() for test in tests})
    chosen = [
        test
        for test in node_ids
        if not paths or any(test.startswith(Path(path).as_posix()) for path in paths)
    ]
    if not chosen:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        workers = str(min(2, os.cpu_count() or 1))
        command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadfile"]
        command += [f"--junitxml={report}", *chosen]
        subprocess.run(command, cwd=PROJECT_DIR, check=False)
        return read_report(report)


def read_report(report: Path) -> dict[str, str]:
    """Results by node id of a JUnit report: the worst of all parameters of a test."""
    results: dict[str, list[str]] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        file = (case.get("classname") or "").replace(".", "/")
        node_id = f"{file}.py::{(case.get('name') or '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        results.setdefault(node_id, []).append("skipped" if "skipped" in kinds else outcome)
    order = ("failed", "skipped", "passed")
    return {test: min(outcomes, key=order.index) for test, outcomes in results.items()}


def results_on_page(text: str) -> dict[str, str]:
    """Results by node id that a page states."""
    return dict(_RESULT_ON_PAGE.findall(text))


def render(results: Mapping[str, str]) -> str:
    """The page; a test without a result is shown as not run."""
    tests = named_tests()
    rows = matrix()
    unknown = sorted(set(tests) - {row.id for row in rows})
    if unknown:
        raise ValueError(f"tests name rows that {MATRIX.name} does not have: {', '.join(unknown)}")
    states = Counter(_state(row, tests.get(row.id, [])) for row in rows)
    sections = []
    for group in dict.fromkeys(row.group for row in rows):
        sections += [f"## {group}", "", "| # | what | required | tests and their result |"]
        sections.append("| --- | --- | --- | --- |")
        for row in rows:
            if row.group == group:
                cell = _cell(row, tests.get(row.id, []), results)
                sections.append(f"| {row.id} | {_md(row.fault)} | {_md(row.required)} | {cell} |")
        sections.append("")
    summary = ", ".join(f"{states[state]} {state}" for state in ("held", "partly held", "open"))
    return _HEAD.format(count=len(rows), summary=summary) + "\n".join(sections)


def _state(row: Row, tests: Sequence[str]) -> str:
    if not tests:
        return "open"
    return "partly held" if row.open else "held"


def _cell(row: Row, tests: Sequence[str], results: Mapping[str, str]) -> str:
    parts = [f"`{test}` {results.get(test, NOT_RUN)}" for test in tests]
    if row.open or not tests:
        parts.append(f"**open**: {row.open or 'no test names it yet'}")
    return "<br>".join(parts)


def _md(text: str) -> str:
    return text.replace("|", "\\|")


_HEAD = """# Faults, invariants, security: which test holds which row

Made by `python -m tests.faults.page` from `tests/faults/matrix.csv` and from a run of the tests; a
test keeps it true. {count} rows: {summary}.

What is required: **E** a clear error (what, where, what to do; exit code not 0; no traceback),
**Q** quarantine (the row is kept apart with file, line, column, value and rule), **N** nothing lost
(received = accepted + superseded + quarantined), **U** readers stay on the last release, **C** the
next run converges without a manual step, **A** one alert, **W** released with a visible flag.

"""


def main(arguments: Sequence[str]) -> int:
    """Run the tests or read their report, write the page; 1 where a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="test files; none: all")
    parser.add_argument("--report", type=Path, help="a JUnit report, in place of running tests")
    given = parser.parse_args(arguments)
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = read_report(given.report) if given.report else run_tests(given.paths)
    results = {**results_on_page(before), **found}
    PAGE.write_text(render(results), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PROJECT_DIR)}")
    return int("failed" in results.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
