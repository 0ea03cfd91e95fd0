"""Findings that a person accepts: what compares with before may be right though nobody expected it.

A run that was held says how to accept what it found. What is accepted is a finding (the rule, on
what, and the figures that were seen) for one input: other files, code or settings, or other
figures, are looked at again. Who accepted and why is in the audit trail, and the release shows the
finding as a warning with both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestration.control import Control, to_text
from orchestration.errors import ConfigurationError
from orchestration.results import Result


@dataclass(frozen=True)
class Accepted:
    """One finding that was accepted, as the run reported it."""

    subject: str
    rule: str
    seen: str


def seen(result: Result) -> str:
    """What a check found, in full: other figures are another finding."""
    return "\n".join((result.message, *result.examples))


def record_holds(control: Control, run_id: str, digest: str, results: Iterable[Result]) -> None:
    """Write down what a run is held for that can be accepted.

    Args:
        control: the control database.
        run_id: the run that is held.
        digest: of its input, code and settings.
        results: of the run; those that do not reject, or cannot be accepted, are passed over.
    """
    with control.transaction() as connection:
        connection.executemany(
            "insert or replace into holds (run_id, input, subject, rule, seen)"
            " values (?, ?, ?, ?, ?)",
            [
                (run_id, digest, result.subject, result.name, seen(result))
                for result in results
                if result.rejects and result.acceptable
            ],
        )


def apply_acceptances(control: Control, digest: str, results: Sequence[Result]) -> list[Result]:
    """The results, with accepted findings as warnings that say who accepted them and why."""
    rows = control.connection.execute("select * from acceptances where input = ?", (digest,))
    accepted = {(row["subject"], row["rule"], row["seen"]): row for row in rows}

    def apply(result: Result) -> Result:
        row = accepted.get((result.subject, result.name, seen(result)))
        if row is None or not (result.rejects and result.acceptable):
            return result
        said = f"{result.message} Accepted by {row['who']}: {row['why']}"
        return replace(result, blocking=False, message=said)

    return [apply(result) for result in results]


def accept(control: Control, run_id: str, *, who: str, why: str) -> list[Accepted]:
    """Accept all that a run was held for.

    Args:
        control: the control database.
        run_id: the run, or `last` for the last one.
        who: answers for it.
        why: the reason, for those who ask later.

    Raises:
        ConfigurationError: no reason was given, there is no such run, or it was not held for
            anything that can be accepted.
    """
    if not why.strip():
        raise ConfigurationError("Say why, for those who ask later: REASON='...'.")
    runs = control.runs()
    if run_id == "last" and runs:
        run_id = runs[-1].run_id
    run = next((run for run in runs if run.run_id == run_id), None)
    if run is None:
        raise ConfigurationError(f"There is no run {run_id!r}. A rejected run says its name.")
    rows = control.connection.execute(
        "select * from holds where run_id = ? order by subject, rule", (run_id,)
    ).fetchall()
    if not rows:
        raise ConfigurationError(
            f"Run {run_id} ({run.state}) was not held for anything that can be accepted. What is "
            "wrong in itself must be mended."
        )
    with control.transaction() as connection:
        at = to_text(control.now())
        connection.executemany(
            "insert or replace into acceptances (run_id, input, subject, rule, seen, who, why, at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(run_id, r["input"], r["subject"], r["rule"], r["seen"], who, why, at) for r in rows],
        )
        findings = [{"subject": r["subject"], "rule": r["rule"], "seen": r["seen"]} for r in rows]
        control.append_audit(
            who, "findings accepted", {"run": run_id, "why": why, "findings": findings}
        )
    return [Accepted(row["subject"], row["rule"], row["seen"]) for row in rows]
