"""The metric policies of `seeds/metric_policies.csv`, checked before anything is built.

A policy is a row; what a switch may say is said here once (metrics.md, section 3). dbt reads the
same seed: this module only refuses what dbt would compute wrongly or not at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.errors import ConfigurationError

SEED = Path("seeds") / "metric_policies.csv"

STATUSES = ("trialing", "active", "past_due", "unpaid")

CHOICES: Mapping[str, Sequence[str]] = {
    "mrr_basis": ("subscription", "invoice"),
    "paused": ("counted", "excluded"),
    "discounts": ("none", "forever", "recurring", "all"),
    "metered": ("excluded", "invoiced"),
    "refunds": ("ignored", "reduce"),
    "churn_at": ("requested", "service_end", "paid_period_end"),
    "zero_mrr_customer": ("churned", "active"),
    "grain": ("customer", "parent_account", "subscription"),
    "movement_grain": ("event", "month_end"),
    "same_month_new_and_churn": ("both", "suppressed"),
    "fx": ("movement_day", "period_end", "constant"),
    "churn_rate_base": ("start", "start_plus_new"),
    "churn_rate_excludes_new": ("true", "false"),
    "reactivation_in_nrr": ("true", "false"),
    "nrr_base": ("period_start", "twelve_months_ago"),
    "grr_cap": ("customer", "aggregate"),
    "ltv_method": ("simple", "trailing6", "margin", "floor", "dcf"),
}

REQUIRED = ("policy_id", "name", "counted_statuses", "week_factor", "day_factor", *CHOICES)
OPTIONAL = (
    "past_due_grace_days",
    "reactivation_window_days",
    "constant_fx_date",
    "as_of",
    "source",
    "note",
)


@dataclass(frozen=True)
class _Place:
    """Where a value stands, for messages."""

    seed: Path
    line: int
    policy_id: str

    def error(self, column: str, value: str, expected: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.seed} line {self.line} (policy {self.policy_id or 'without id'}): "
            f"{column} is {value!r}; {expected}."
        )


def check_policies(seed: Path, enabled: Sequence[str]) -> None:
    """Refuse a seed with unknown values, or enabled policies that it lacks.

    Args:
        seed: the csv file of policies.
        enabled: the policy ids that the run is to compute.

    Raises:
        ConfigurationError: naming file, line, policy, column and the values that are allowed.
    """
    try:
        with seed.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, strict=True)
            _check_header(seed, reader.fieldnames or ())
            defined: dict[str, int] = {}
            for row in reader:
                _check_row(seed, reader.line_num, row)
                policy_id = row["policy_id"]
                if policy_id in defined:
                    raise ConfigurationError(
                        f"{seed} line {reader.line_num}: policy {policy_id} stands already on "
                        f"line {defined[policy_id]}; give one of them another policy_id."
                    )
                defined[policy_id] = reader.line_num
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{seed} cannot be read: {error}.") from error
    for policy_id in enabled:
        if policy_id not in defined:
            raise ConfigurationError(
                f"HOLDFAST_ENABLED_POLICIES names {policy_id!r}, which is not in {seed}; "
                f"there are {', '.join(defined)}."
            )


def _check_header(seed: Path, header: Sequence[str]) -> None:
    missing = [column for column in (*REQUIRED, *OPTIONAL) if column not in header]
    unknown = [column for column in header if column not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        parts = []
        if missing:
            parts.append(f"lacks the columns {', '.join(missing)}")
        if unknown:
            parts.append(f"has columns that no policy knows: {', '.join(unknown)}")
        raise ConfigurationError(f"{seed} {' and '.join(parts)}.")


def _check_row(seed: Path, line: int, row: Mapping[str | None, str | None]) -> None:
    place = _Place(seed, line, row.get("policy_id") or "")
    if None in row or any(value is None for value in row.values()):
        raise ConfigurationError(f"{seed} line {line} does not have as many values as columns.")
    values = {column: value or "" for column, value in row.items() if column is not None}
    for column in REQUIRED:
        if not values[column]:
            raise place.error(column, "", "a value is needed")
    for column, choices in CHOICES.items():
        if values[column] not in choices:
            raise place.error(column, values[column], f"use {' or '.join(choices)}")
    for status in values["counted_statuses"].split("|"):
        if status not in STATUSES:
            raise place.error(
                "counted_statuses",
                values["counted_statuses"],
                f"use statuses out of {', '.join(STATUSES)}, separated by |",
            )
    for column, fits, expected in _FORMS:
        if values[column] and not fits(values[column]):
            raise place.error(column, values[column], expected)


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"\d{1,5}", text) is not None


def _is_factor(text: str) -> bool:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(?:/(\d{1,6}(?:\.\d{1,6})?))?", text)
    return match is not None and float(match[1]) > 0 and float(match[2] or 1) > 0


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


_FORMS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    (
        "policy_id",
        lambda text: re.fullmatch(r"[a-z0-9_]+", text) is not None,
        "use lower-case letters, digits and underscores",
    ),
    ("past_due_grace_days", _is_whole, "use a whole number of days, or nothing"),
    ("reactivation_window_days", _is_whole, "use a whole number of days, or nothing"),
    ("week_factor", _is_factor, "use a number above 0 or a fraction such as 52/12"),
    ("day_factor", _is_factor, "use a number above 0 or a fraction such as 365/12"),
    ("constant_fx_date", _is_date, "use a date such as 2026-01-31, or nothing"),
    ("as_of", _is_date, "use a date such as 2026-01-31, or nothing"),
)
