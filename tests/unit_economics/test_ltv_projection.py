"""Projections of active customers: by hand, their refusals, how often the interval holds."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from orchestration.analysis.ltv import SCHEMA, AgeCount, project, project_lifetimes
from orchestration.analysis.sbg import residual_lifetimes

MONTHLY_RATE = 1.1 ** (1 / 12) - 1


def counts(*rows: tuple[int, int, int, int, str]) -> list[AgeCount]:
    return [AgeCount(*row[:4], Decimal(row[4])) for row in rows]


def test_half_of_the_customers_lost_each_month() -> None:
    # 8 at risk, 4 lost; 4 at risk, 2 lost; two are left with 30.00 a month between them.
    # Without discount each brings 1/2 + 1/4 + … = 1 more month.
    projection = project(counts((1, 4, 0, 0, "0"), (2, 2, 2, 2, "30")), 0.0)
    assert projection.future_margin == Decimal("30.00")
    assert (projection.customers_at_risk, projection.customers_lost) == (8, 6)
    assert projection.customers_active == 2
    assert projection.reason is None
    assert projection.future_low is not None
    assert projection.future_high is not None
    assert projection.future_low < 30 < projection.future_high


def test_the_discount_counts_from_the_next_renewal() -> None:
    # With 25 % a month: (0.5 / 1.25) / (1 - 0.5 / 1.25) = 2/3 of a month.
    projection = project(counts((1, 4, 0, 0, "0"), (2, 2, 2, 2, "30")), 0.25)
    assert projection.future_margin == Decimal("20.00")


def test_older_customers_are_expected_to_stay_longer() -> None:
    # Churn that falls from month to month: 30, 15, 8, 5 of those left.
    table = ((1, 60, 0, 0, "0"), (2, 21, 0, 0, "0"), (3, 10, 0, 0, "0"), (4, 5, 104, 0, "0"))
    young = project(counts(*table, (0, 0, 0, 10, "100")), MONTHLY_RATE).future_margin
    old = project(counts(*table[:3], (4, 5, 104, 10, "100")), MONTHLY_RATE).future_margin
    assert young is not None
    assert old is not None
    assert old > young * Decimal("1.5")


def test_nobody_lost_has_no_projection() -> None:
    projection = project(counts((5, 0, 7, 7, "70")), MONTHLY_RATE)
    assert projection.future_margin is None
    assert projection.future_high is None
    assert projection.reason == "no_churn"


def test_nobody_seen_for_a_month_has_no_projection() -> None:
    projection = project(counts((0, 0, 3, 3, "30")), MONTHLY_RATE)
    assert projection.future_margin is None
    assert projection.reason == "no_completed_period"


def test_a_cohort_that_is_gone_brings_nothing_more() -> None:
    projection = project(counts((1, 3, 0, 0, "0"), (2, 1, 0, 0, "0")), MONTHLY_RATE)
    assert projection.future_margin == projection.future_high == Decimal("0.00")
    assert projection.reason is None


@pytest.mark.parametrize("margin", ["-30", "0"])
def test_customers_that_bring_no_margin_have_no_projection(margin: str) -> None:
    projection = project(counts((1, 4, 0, 0, "0"), (2, 2, 2, 2, margin)), 0.0)
    assert (projection.future_margin, projection.reason) == (None, "no_margin")


def test_one_customer_has_no_projection() -> None:
    # Lost in its second month, and back since.
    projection = project(counts((2, 1, 0, 0, "0"), (9, 0, 0, 1, "30")), MONTHLY_RATE)
    assert (projection.future_margin, projection.reason) == (None, "one_customer")


def test_one_customer_of_many_lost_stays_finite() -> None:
    # Hardly any churn is seen: the discount alone bounds the value, 10 a month for ever is 1,254.
    projection = project(counts((1, 1, 0, 0, "0"), (2, 0, 50, 50, "10")), MONTHLY_RATE)
    assert projection.future_high is not None
    assert projection.future_high <= Decimal("1254.11")


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [(name, pa.string()) for name in ("policy_id", "segment_type", "segment_value")]
            + [(name, pa.int64()) for name in ("age", "lost", "kept", "active")]
            + [("active_margin", pa.decimal128(18, 2)), ("monthly_discount_rate", pa.float64())]
        ),
    )


def test_every_group_of_a_table_has_its_own_projection() -> None:
    def row(
        segment: str, age: int, lost: int, kept: int, active: int, margin: str
    ) -> dict[str, object]:
        return {
            "policy_id": "p", "segment_type": "plan", "segment_value": segment, "age": age,
            "lost": lost, "kept": kept, "active": active, "active_margin": Decimal(margin),
            "monthly_discount_rate": 0.0,
        }  # fmt: skip

    result = project_lifetimes(
        table(
            [
                row("b", 5, 0, 7, 7, "70"),
                row("a", 2, 2, 2, 2, "30"),
                row("a", 1, 4, 0, 0, "0"),
            ]
        )
    ).to_pylist()
    assert [(line["segment_value"], line["future_margin"], line["reason"]) for line in result] == [
        ("a", Decimal("30.00"), None),
        ("b", None, "no_churn"),
    ]


def test_an_empty_table_keeps_its_columns() -> None:
    assert project_lifetimes(table([])).schema == SCHEMA


def covered(seed: int) -> bool:
    """Does the interval hold the true value, for 400 customers whose churn is beta-distributed?"""
    rng = np.random.default_rng(seed)
    alpha, beta, customers, months = 1.4, 25.0, 400, 24
    chance = rng.beta(alpha, beta, customers)
    lifetime = rng.geometric(chance)
    seen = rng.integers(1, months + 1, customers)
    lost, kept = np.zeros(months + 1, int), np.zeros(months + 1, int)
    np.add.at(lost, lifetime[lifetime <= seen], 1)
    np.add.at(kept, seen[lifetime > seen], 1)
    # All that are still there are active, at 50 a month.
    rows = [
        (age, int(lost[age]), int(kept[age]), int(kept[age]), f"{kept[age] * 50}.00")
        for age in range(months + 1)
    ]
    projection = project(counts(*rows), MONTHLY_RATE)
    lifetimes = residual_lifetimes(
        np.array([alpha / (alpha + beta)]), np.array([1 / (alpha + beta)]), MONTHLY_RATE, months
    )[0]
    truth = float((kept * 50) @ lifetimes)
    assert projection.future_low is not None
    assert projection.future_high is not None
    return float(projection.future_low) <= truth <= float(projection.future_high)


def test_the_interval_holds_the_true_value_of_ten_companies() -> None:
    assert sum(covered(seed) for seed in range(10)) >= 9


@pytest.mark.deep
def test_the_interval_holds_the_true_value_of_two_hundred_companies() -> None:
    assert sum(covered(seed) for seed in range(200)) >= 180
