"""Raw rows of experiments whose results are worked out by hand; every account is a customer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from tests.retention.company import Rows, Story, raw_rows

STARTED, ENDED = date(2026, 3, 1), date(2026, 4, 30)
BEFORE = 10000
PER_GROUP = 35


def at(day: date, hour: int = 9) -> datetime:
    """A UTC time of the day."""
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)


def mrr_after(number: int, *, is_target: bool) -> list[tuple[date, int]]:
    """What an account of exp_price pays from which day on, after 100.00 before."""
    if is_target and number == 0:
        # Half of the 30 days at 100, half at 190: 145 on average.
        return [(date(2026, 4, 16), 19000)]
    if is_target:
        return [(date(2026, 3, 10), 12000 if number % 2 == 0 else 14000)]
    return [(date(2026, 3, 10), 11000)] if number >= 30 else []


def changes() -> tuple[list[float], list[float]]:
    """The changes of exp_price by hand, after less before: target and control, in whole units."""
    target = [45.0] + [20.0 if number % 2 == 0 else 40.0 for number in range(1, PER_GROUP)]
    return target, [0.0] * 30 + [10.0] * (PER_GROUP - 30)


def rows() -> Rows:
    """All raw rows; customers are exp_t_00 ..., exp_c_00 ..., exp_both, exp_sisters, exp_late."""
    began = date(2025, 12, 1)
    stories = [
        Story(f"exp_{group}_{number:02}", [(began, BEFORE), *steps])
        for group, is_target in (("t", True), ("c", False))
        for number in range(PER_GROUP)
        for steps in [mrr_after(number, is_target=is_target)]
    ]
    stories += [Story(name, [(began, BEFORE)]) for name in ("exp_both", "exp_sisters", "exp_late")]
    # Kept by exp_keep: none of these; they left in it.
    stories += [
        Story(f"exp_left_{number}", [(began, BEFORE), (date(2026, 4, 2), 0)]) for number in range(4)
    ]
    result = raw_rows(stories)
    result["crm.accounts"] = [
        {"id": name, "billing_customer_id": customer, "updated_at": at(began)}
        for story in stories
        for customer in [story.customer]
        for name in (["exp_sister_a", "exp_sister_b"] if customer == "exp_sisters" else [customer])
    ]
    result["success.experiments"] = [
        experiment("exp_price", "mrr"),
        experiment("exp_keep", "logo_retention"),
        experiment("exp_open", "logo_retention", ended=None),
        experiment("exp_skewed", "mrr"),
        experiment("exp_small", "nps"),
        experiment("exp_to_come", "mrr", started=date(2026, 8, 1), ended=date(2026, 9, 30)),
    ]
    result["success.experiment_assignments"] = _assignments()
    return result


def experiment(
    name: str, kpi: str, started: date = STARTED, ended: date | None = ENDED
) -> dict[str, Any]:
    """An experiment with 30 days before and after, half of the accounts in each group."""
    return {
        "id": name,
        "name": name.replace("_", " "),
        "kpi": kpi,
        "started_on": started,
        "ended_on": ended,
        "pre_period_days": 30,
        "post_period_days": 30,
        "expected_target_share": "0.5",
        "updated_at": at(STARTED),
    }


def _assignments() -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []

    def assign(name: str, account: str, variant: str, day: date = STARTED) -> None:
        result.append(
            {
                "experiment_id": name,
                "account_id": account,
                "variant": variant,
                "assigned_at": at(day),
            }
        )

    everybody = [(f"exp_{group}_{n:02}", group) for group in ("t", "c") for n in range(PER_GROUP)]
    for name in ("exp_price", "exp_keep", "exp_open"):
        for account, group in everybody:
            assign(name, account, "target" if group == "t" else "control")
    for number in range(4):
        # 35 of 35 kept against 35 of 39.
        assign("exp_keep", f"exp_left_{number}", "control")
    # Seen by both groups: one account, and two accounts of one customer.
    assign("exp_price", "exp_both", "target")
    assign("exp_price", "exp_both", "control")
    assign("exp_price", "exp_sister_a", "target")
    assign("exp_price", "exp_sister_b", "control")
    # Assigned after the end: never treated.
    assign("exp_price", "exp_late", "target", ENDED + timedelta(10))
    for position, (account, _) in enumerate(everybody):
        assign("exp_skewed", account, "control" if position % 7 == 0 else "target")
    for account, group in everybody[:5] + everybody[-5:]:
        assign("exp_small", account, "target" if group == "t" else "control")
    return result
