"""The stages of a run, from the lines of its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.figures import row
from benchmarks.processes import Line, Measured

#: What begins with a line of progress that has these words; what comes before is the gate.
BEGINNINGS = {
    "starting dbt, Great Expectations and Dagster": "start, parse",
    "Great Expectations: raw expectations": "raw expectations",
    "dbt: models and tests": "dbt: models and tests",
    "Great Expectations: mart expectations": "mart expectations",
    "invariants of the run": "invariants",
    "sealing the build": "sealing",
    "is committed; targets follow": "commit",
    "workbook of ": "workbook",
    "dashboard of release": "pages and other targets",
}
HEADINGS = ("stage", "CPU s", "wall s", "peak GB")


@dataclass(frozen=True)
class Stage:
    """A stage of a run, with what it used."""

    name: str
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int

    def cells(self) -> list[str]:
        """Its row of the table."""
        return [
            self.name,
            f"{self.cpu_seconds:.1f}",
            f"{self.wall_seconds:.1f}",
            f"{self.peak_bytes / 1e9:.2f}",
        ]


def stages(run: Measured) -> list[Stage]:
    """The stages of a run, in their order; together they are the whole of it."""
    marks: list[tuple[str, int, Line]] = [("gate", 0, Line("", 0.0, 0.0))]
    for at, line in enumerate(run.lines):
        name = next((name for words, name in BEGINNINGS.items() if words in line.text), None)
        if name:
            # The memory said with a line was used before it.
            marks.append((name, at + 1, line))
    marks.append(("", len(run.lines), Line("", run.cpu_seconds, run.wall_seconds)))
    return [
        Stage(
            name,
            after.cpu_seconds - before.cpu_seconds,
            after.wall_seconds - before.wall_seconds,
            max((line.peak_bytes for line in run.lines[begin:end]), default=0),
        )
        for (name, begin, before), (_, end, after) in pairwise(marks)
    ]


def table(found: Sequence[Stage]) -> list[str]:
    """The stages as lines of Markdown."""
    return [row(HEADINGS), "|---|---|---|---|", *(row(stage.cells()) for stage in found)]
