"""The way from one policy to another, switch by switch (metrics.md §3, the policy ladder)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from tests.oracle.money import ZERO
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay

SWITCHES = (
    "mrr_basis", "counted_statuses", "past_due_grace_days", "paused", "discounts", "metered",
    "refunds", "churn_at", "grain", "movement_grain", "week_factor", "day_factor", "fx",
)  # fmt: skip
"""The switches that move a customer's MRR of a month, in the order of the policy table."""

Step = tuple[str, date, str, str, int, str]
"""Customer, month, from policy, to policy, number of the step, switch."""


def steps(start: Policy, end: Policy) -> list[tuple[str, Policy]]:
    """Each switch that differs, with the policy that one has after it."""
    found: list[tuple[str, Policy]] = []
    standing = start
    for switch in SWITCHES:
        changes = {switch: getattr(end, switch)}
        if switch == "fx":
            changes["constant_fx_date"] = end.constant_fx_date
        after = replace(standing, **changes)
        if after != standing:
            found.append((switch, after))
        standing = after
    return found


def _closings(company: Company, policy: Policy) -> dict[tuple[str, date], Fraction]:
    """Closing MRR by customer and month; parent accounts stay apart by customer."""
    grain = "customer" if policy.grain == "parent_account" else policy.grain
    plain = replace(policy, grain=grain, same_month_new_and_churn="both")
    found: dict[tuple[str, date], Fraction] = {}
    for row in replay(company, plain).unit_months:
        key = row.customer_id, row.month
        found[key] = found.get(key, ZERO) + row.closing
    return found


def ladder(company: Company, official: Policy, others: Sequence[Policy]) -> dict[Step, Fraction]:
    """What each step changes, where it changes anything."""
    start = _closings(company, official)
    found: dict[Step, Fraction] = {}
    for other in others:
        before = start
        for number, (switch, policy) in enumerate(steps(official, other), start=1):
            after = _closings(company, policy)
            for customer_id, month in sorted(set(before) | set(after)):
                key = customer_id, month
                change = after.get(key, ZERO) - before.get(key, ZERO)
                if change:
                    names = official.policy_id, other.policy_id
                    found[customer_id, month, *names, number, switch] = change
            before = after
    return found
