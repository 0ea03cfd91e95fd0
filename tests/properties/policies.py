"""Random policies: every switch by chance, so that all values meet each other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.policy import ALLOWED, Policy

STATUSES = ("trialing", "active", "past_due", "unpaid")
WEEK_FACTORS = (Fraction(52, 12), Fraction(4), Fraction("4.33"))
DAY_FACTORS = (Fraction(365, 12), Fraction(30))


def random_policy(number: int, constant_dates: Sequence[date | None] = (None,)) -> Policy:
    """The policy of a number; mostly two or three switches away from the default, or far away."""
    chance = random.Random(number)
    share = chance.choice((0.15, 0.3, 1.0))
    switches: dict[str, Any] = {
        switch: chance.choice(values)
        for switch, values in ALLOWED.items()
        if chance.random() < share
    }
    if chance.random() < share:
        switches["counted_statuses"] = frozenset(
            status for status in STATUSES if chance.random() < 0.7
        ) | {"active"}
    if chance.random() < share:
        switches["past_due_grace_days"] = chance.choice((None, 0, 1, 14, 30))
    if chance.random() < share:
        switches["reactivation_window_days"] = chance.choice((None, 0, 30, 90))
    if chance.random() < share:
        switches["week_factor"] = chance.choice(WEEK_FACTORS)
        switches["day_factor"] = chance.choice(DAY_FACTORS)
    if chance.random() < share:
        switches["constant_fx_date"] = chance.choice(constant_dates)
    return Policy(policy_id=f"random_{number}", **switches)
