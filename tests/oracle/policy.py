"""A metric policy: one answer to each question of the policy table (metrics.md §3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.calendar import plain_date

ALLOWED: dict[str, tuple[str, ...]] = {
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
    "nrr_base": ("period_start", "twelve_months_ago"),
    "grr_cap": ("customer", "aggregate"),
    "ltv_method": ("simple", "trailing6", "margin", "floor", "dcf"),
}


@dataclass(frozen=True)
class Policy:
    """All switches; the defaults are `board_strict`."""

    policy_id: str = "board_strict"
    mrr_basis: str = "subscription"
    counted_statuses: frozenset[str] = frozenset({"active", "past_due"})
    past_due_grace_days: int | None = None
    paused: str = "excluded"
    discounts: str = "all"
    metered: str = "excluded"
    refunds: str = "ignored"
    churn_at: str = "service_end"
    zero_mrr_customer: str = "churned"
    grain: str = "customer"
    movement_grain: str = "event"
    reactivation_window_days: int | None = None
    same_month_new_and_churn: str = "both"
    week_factor: Fraction = Fraction(52, 12)
    day_factor: Fraction = Fraction(365, 12)
    fx: str = "period_end"
    constant_fx_date: date | None = None
    churn_rate_base: str = "start"
    churn_rate_excludes_new: bool = True
    reactivation_in_nrr: bool = False
    nrr_base: str = "period_start"
    grr_cap: str = "customer"
    ltv_method: str = "margin"

    def __post_init__(self) -> None:
        for switch, values in ALLOWED.items():
            if getattr(self, switch) not in values:
                raise ValueError(f"{switch} is {getattr(self, switch)!r}, not one of {values}")


def policy_from_row(row: Mapping[str, Any]) -> Policy:
    """A policy from a row of text cells, as in the seed; an empty cell is null.

    Raises:
        ValueError: a switch has a value that the table does not know.
    """
    values: dict[str, Any] = {}
    for field in fields(Policy):
        if field.name not in row:
            continue
        cell = row[field.name]
        text = "" if cell is None else str(cell).strip()
        if field.name == "counted_statuses":
            values[field.name] = frozenset(re.split(r"[\s,;|]+", text)) - {""}
        elif field.name in ("past_due_grace_days", "reactivation_window_days"):
            values[field.name] = int(text) if text else None
        elif field.name in ("week_factor", "day_factor"):
            values[field.name] = Fraction(text.replace(" ", ""))
        elif field.name in ("churn_rate_excludes_new", "reactivation_in_nrr"):
            values[field.name] = text.lower() == "true"
        elif field.name == "constant_fx_date":
            values[field.name] = plain_date(cell) if text else None
        else:
            values[field.name] = text
    return Policy(**values)
