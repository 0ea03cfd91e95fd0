"""What a check or a model of a run came to: one form for dbt and Great Expectations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["raw", "model", "test", "unit_test", "marts", "invariant"]

#: How each stage is called in front of people.
STAGE_NAMES: dict[Stage, str] = {
    "raw": "raw expectations",
    "model": "dbt models",
    "test": "dbt tests",
    "unit_test": "dbt unit tests",
    "marts": "mart expectations",
    "invariant": "invariants",
}


@dataclass(frozen=True)
class Result:
    """One check that ran, or one model that was built.

    Attributes:
        stage: which kind of check it is.
        subject: the table or model that was looked at, `schema.table`.
        name: the check's or the model's name.
        passed: False also where the check could not be carried out.
        blocking: a failure rejects the run; otherwise it is a warning.
        failures: rows or values that broke the rule; null where it cannot be counted.
        message: what was expected and what was found.
        look_at: absolute path of the SQL to read; empty where there is none.
        examples: some of the rows that broke the rule, one text each.
        acceptable: it compares with what was, so a person may say that it is right nevertheless.
        skipped: not carried out, because something it needs failed first or is not there.
        seconds: how long it took.
    """

    stage: Stage
    subject: str
    name: str
    passed: bool
    blocking: bool = True
    failures: int | None = None
    message: str = ""
    look_at: str = ""
    examples: tuple[str, ...] = ()
    acceptable: bool = False
    skipped: bool = False
    seconds: float = 0.0

    @property
    def rejects(self) -> bool:
        """Whether this result alone keeps the run from being released."""
        return self.blocking and not self.passed and not self.skipped

    @property
    def warns(self) -> bool:
        """Whether this result is to be shown, though the run goes on."""
        return not self.blocking and not self.passed and not self.skipped


def rejecting(results: Iterable[Result]) -> list[Result]:
    """The results that keep the run from being released."""
    return [result for result in results if result.rejects]


@dataclass(frozen=True)
class Tally:
    """How many checks of one stage ran, failed and warned."""

    stage: Stage
    run: int
    failed: int
    warned: int


def tallies(results: Iterable[Result]) -> list[Tally]:
    """Count the checks by stage, in the order of the run; models are no checks."""
    counted: dict[Stage, list[Result]] = {stage: [] for stage in STAGE_NAMES if stage != "model"}
    for result in results:
        if result.stage != "model" and not result.skipped:
            counted[result.stage].append(result)
    return [
        Tally(
            stage=stage,
            run=len(rows),
            failed=sum(row.rejects for row in rows),
            warned=sum(row.warns for row in rows),
        )
        for stage, rows in counted.items()
    ]
