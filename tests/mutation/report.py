"""What a run of mutants says: on the screen, and as a page of the docs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.trial import Mutant, Outcome
from tests.support.raw_tables import PROJECT_DIR

EXPLAINED = Path(__file__).with_name("explained.csv")
PAGE = PROJECT_DIR / "docs" / "mutation_report.md"
LEAST_CAUGHT = 0.95

Key = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Reason:
    """Why a mutant survives: it changes nothing that is published, or what else (a known gap)."""

    is_equivalent: bool
    text: str


def key_of(mutant: Mutant) -> Key:
    """What tells a mutant from others, whatever else changes in the model."""
    site = mutant.site
    return (mutant.model, site.step, site.before, site.after, site.place)


def explanations(path: Path = EXPLAINED) -> dict[Key, Reason]:
    """Why known survivors survive, by model, step, before, after and place."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["model"], row["step"], row["before"], row["after"], int(row["place"])): Reason(
                row["verdict"] == "equivalent", row["reason"]
            )
            for row in csv.DictReader(file)
        }


def survivors(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The mutants that nothing noticed."""
    return [outcome for outcome in outcomes if outcome.caught_by is None]


def unexplained(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> list[Outcome]:
    """The survivors without a reason."""
    return [outcome for outcome in survivors(outcomes) if key_of(outcome.mutant) not in reasons]


def equivalent(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> list[Outcome]:
    """The survivors that are known to change nothing that is published."""
    return [
        outcome
        for outcome in survivors(outcomes)
        if (reason := reasons.get(key_of(outcome.mutant))) is not None and reason.is_equivalent
    ]


def wrongly_explained(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> list[Outcome]:
    """The mutants that were caught though there is a reason why nothing can notice them."""
    return [
        outcome
        for outcome in outcomes
        if outcome.caught_by is not None and key_of(outcome.mutant) in reasons
    ]


def is_good(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> bool:
    """Of those that change anything at least 95 % are caught, and every survivor is explained, and
    no other mutant is.
    """
    caught = len(outcomes) - len(survivors(outcomes))
    changing = len(outcomes) - len(equivalent(outcomes, reasons))
    return (
        caught >= LEAST_CAUGHT * changing
        and not unexplained(outcomes, reasons)
        and not wrongly_explained(outcomes, reasons)
    )


def summary(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> str:
    """Counts in one sentence."""
    caught = len(outcomes) - len(survivors(outcomes))
    same = len(equivalent(outcomes, reasons))
    changing = len(outcomes) - same
    share = 100 * caught / changing if changing else 100
    return (
        f"{len(outcomes)} mutants: {caught} caught, {same} equivalent, {changing - caught} not "
        f"caught; {share:.1f} % of those that change anything are caught"
    )


def tables(outcomes: Sequence[Outcome]) -> list[str]:
    """Caught and survived by kind, by model, and by what caught them; Markdown lines."""
    lines: list[str] = []
    groups: list[tuple[str, Callable[[Outcome], str]]] = [
        ("kind", lambda one: one.mutant.site.kind),
        ("model", lambda one: one.mutant.model),
    ]
    for title, group in groups:
        caught = Counter(group(one) for one in outcomes if one.caught_by is not None)
        survived = Counter(group(one) for one in survivors(outcomes))
        lines += [f"| {title} | caught | survived |", "|---|---:|---:|"]
        lines += [
            f"| {name} | {caught[name]} | {survived[name]} |"
            for name in sorted(caught.keys() | survived.keys())
        ]
        lines.append("")
    by = Counter(one.caught_by for one in outcomes if one.caught_by is not None)
    lines += ["| caught by | mutants |", "|---|---:|"]
    return lines + [f"| {name} | {count} |" for name, count in by.most_common()]


def survivor_lines(outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason]) -> list[str]:
    """A Markdown row for each survivor."""
    lines = ["| model | line | step | before | after | explanation |", "|---|---:|---|---|---|---|"]
    for one in sorted(survivors(outcomes), key=lambda one: (one.mutant.model, one.mutant.line)):
        site = one.mutant.site
        known = reasons.get(key_of(one.mutant))
        reason = "**unexplained**"
        if known is not None:
            reason = ("equivalent: " if known.is_equivalent else "known gap: ") + known.text
        cells = (one.mutant.model, str(one.mutant.line), site.step, f"`{site.before}`",
                 f"`{site.after}`", reason)  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def page(
    outcomes: Sequence[Outcome], reasons: Mapping[Key, Reason], how: str, baseline: Sequence[str]
) -> str:
    """The page of the docs; `how` is the command, `baseline` what the oracle disagrees with."""
    lines = [
        "# Mutation report",
        "",
        "Written by `make mutate`. Every mutant is one change in the compiled SQL of one revenue "
        "model; it is caught when the oracle, a hand case, a contract or a data test notices it, "
        "or when it does not run.",
        "",
        f"`{how}`: **{summary(outcomes, reasons)}**.",
        "",
        *tables(outcomes),
        "",
        "## Survivors",
        "",
    ]
    if survivors(outcomes):
        lines += survivor_lines(outcomes, reasons)
    else:
        lines.append("None.")
    if baseline:
        lines += [
            "",
            "## What the oracle says otherwise of the models as they are",
            "",
            f"{len(baseline)} findings; there, mutants are held against the models as they are.",
        ]
    return "\n".join(lines) + "\n"
