"""The csv seeds of customer success, checked before anything is built.

What a team watches, weighs and does is rows (docs/signal_rules.md). dbt reads the same files: this
module only refuses what the models would compute wrongly or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import yaml

from orchestration.seed_files import (
    Form,
    SeedRow,
    day,
    flag,
    name,
    number,
    one_of,
    optional,
    read_seed_of,
    refuse_overlaps,
    text,
    whole,
)

SEGMENTS = ("smb", "mid_market", "enterprise", "unknown")
MEANINGS = ("login", "cancel_page", "data_export", "upgrade_page", "not_activity")
#: Made of the other signals, so it cannot be one of its own components.
HEALTH_SIGNAL = "health_score"

_VALIDITY: Mapping[str, Form] = {"valid_from": day(), "valid_to": optional(day())}


def check_customer_success(seeds: Path) -> None:
    """Refuse seeds that cannot be computed; a file that is not there is not checked.

    Args:
        seeds: folder of the csv files.

    Raises:
        ConfigurationError: naming file, line, column, the value and what is expected.
    """
    _check_events(seeds)
    _check_milestones(seeds)
    signals = _column(read_seed_of(seeds, "signals", _SIGNALS, ("signal",)), "signal")
    severities = _column(read_seed_of(seeds, "severities", _SEVERITIES, ("severity",)), "severity")
    owners = _column(read_seed_of(seeds, "owners", _OWNERS, ("owner_role",)), "owner_role")
    _check_triggers(seeds, signals, severities, owners, _check_playbooks(seeds))
    _check_health(seeds, signals)
    _check_targets(seeds)


_SIGNALS: Mapping[str, Form] = {
    "signal": name(),
    "scope": one_of(("in_service", "always")),
    "unit": text(),
    "evidence": text(),
}
_SEVERITIES: Mapping[str, Form] = {
    "severity": name(),
    "risk": number("0", "1"),
    "note": optional(text()),
}
_OWNERS: Mapping[str, Form] = {
    "owner_role": name(),
    "owner": text(),
    "uses_account_owner": flag(),
    "note": optional(text()),
}


def _check_events(seeds: Path) -> None:
    read_seed_of(
        seeds,
        "event_meanings",
        {"event": text(), "meaning": one_of(MEANINGS), "note": optional(text())},
        ("event",),
    )
    read_seed_of(
        seeds,
        "product_features",
        {"feature": name(), "event": text(), "is_core": flag(), "note": optional(text())},
        ("event",),
    )


def _check_milestones(seeds: Path) -> None:
    rows = read_seed_of(
        seeds,
        "onboarding_milestones",
        {
            "step_number": whole(),
            "milestone": name(),
            "event": text(),
            "within_days": whole(),
            "is_first_value": flag(),
            "note": optional(text()),
        },
        ("step_number",),
        ("milestone",),
        ("event",),
    )
    first = [row for row in rows if row["is_first_value"] == "true"]
    if len(first) > 1:
        raise first[1].error(
            "is_first_value", f"line {first[0].line} says so already: one step is the first value"
        )


def _check_playbooks(seeds: Path) -> set[str]:
    reason = Form(
        lambda value: all(re.fullmatch(r"[a-z0-9_]+", part) for part in value.split("|")),
        "use reasons in lower-case letters, digits and underscores, separated by |",
    )
    rows = read_seed_of(
        seeds,
        "playbooks",
        {
            "playbook_key": name(),
            "step_number": whole(),
            "channel": one_of(("email", "call", "in_app", "task")),
            "template": name(),
            "due_in_days": whole(),
            "expires_after_days": whole(),
            "resolution_reasons": reason,
        },
        ("playbook_key", "step_number"),
    )
    for row in rows:
        if int(row["expires_after_days"]) < int(row["due_in_days"]):
            raise row.error(
                "expires_after_days", f"use at least due_in_days ({row['due_in_days']})"
            )
    return _column(rows, "playbook_key")


def _check_triggers(
    seeds: Path, signals: set[str], severities: set[str], owners: set[str], playbooks: set[str]
) -> None:
    own = ("signal", "comparator", "threshold")
    forms: dict[str, Form] = {
        "trigger_key": name(),
        "signal": one_of(signals, "signal of signals.csv"),
        "comparator": one_of((">=", ">", "<=", "<", "=")),
        "threshold": number(),
        "for_days": whole(),
        "cooldown_days": whole(),
        "severity": one_of(severities, "severity of severities.csv"),
        "direction": one_of(("risk", "opportunity")),
        "owner_role": one_of(owners, "role of owners.csv"),
        "playbook_key": one_of(playbooks, "playbook of playbooks.csv"),
        "segment": optional(one_of(SEGMENTS)),
        "enabled": flag(),
        **_VALIDITY,
    }
    rows = read_seed_of(
        seeds, "triggers", forms, ("trigger_key", "valid_from", "signal", "comparator")
    )
    # Rows of one trigger that begin on one day are its conditions and differ in these alone.
    firsts: dict[tuple[str, ...], SeedRow] = {}
    for row in rows:
        first = firsts.setdefault(row.key(("trigger_key", "valid_from")), row)
        for column in forms:
            if column not in own and row[column] != first[column]:
                raise row.error(
                    column,
                    f"line {first.line} says {first[column]!r} of the same trigger "
                    f"{row['trigger_key']}: its conditions differ in {', '.join(own)} only",
                )
    refuse_overlaps(firsts.values(), ("trigger_key",))


def _check_health(seeds: Path, signals: set[str]) -> None:
    rows = read_seed_of(
        seeds,
        "health_components",
        {
            "component": name(),
            "signal": one_of(signals - {HEALTH_SIGNAL}, "signal of signals.csv"),
            "weight": number("0", above=True),
            "red_from": number(),
            "green_from": number(),
            "segment": optional(one_of(SEGMENTS)),
            **_VALIDITY,
        },
    )
    for row in rows:
        if Decimal(row["red_from"]) == Decimal(row["green_from"]):
            raise row.error(
                "green_from", "use another value than red_from: which way is better is not said"
            )
    refuse_overlaps(rows, ("component", "segment"))
    colours = read_seed_of(
        seeds,
        "health_colours",
        {
            "colour": one_of(("red", "amber", "green")),
            "score_from": number("0", "100"),
            **_VALIDITY,
        },
    )
    refuse_overlaps(colours, ("colour",))


def _check_targets(seeds: Path) -> None:
    bound = optional(number())
    rows = read_seed_of(
        seeds,
        "targets",
        {
            "target_key": name(),
            "metric": one_of(_accepted_values(seeds, "targets", "metric"), "metric"),
            "period_type": one_of(("month", "quarter", "year")),
            "segment_type": text(),
            "segment_value": text(),
            "better": one_of(("lower", "higher")),
            "target": bound,
            "acceptable_low": bound,
            "acceptable_high": bound,
            "owner": name(),
            **_VALIDITY,
            "source": text(),
        },
        ("target_key",),
    )
    for row in rows:
        low, high = row["acceptable_low"], row["acceptable_high"]
        if low and high and Decimal(high) < Decimal(low):
            raise row.error("acceptable_high", f"use at least acceptable_low ({low})")
    refuse_overlaps(rows, ("metric", "period_type", "segment_type", "segment_value"))


def _column(rows: list[SeedRow], column: str) -> set[str]:
    return {row[column] for row in rows}


def _accepted_values(seeds: Path, seed: str, column: str) -> set[str]:
    """The values that the seed's own dbt test accepts in a column."""
    for path in sorted(seeds.glob("_*.yml")):
        for entry in yaml.safe_load(path.read_text("utf-8")).get("seeds", ()):
            for field in entry.get("columns", ()) if entry["name"] == seed else ():
                for test in field.get("data_tests", ()) if field["name"] == column else ():
                    if isinstance(test, dict) and "accepted_values" in test:
                        return set(test["accepted_values"]["arguments"]["values"])
    return set()
