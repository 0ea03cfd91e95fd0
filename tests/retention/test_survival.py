"""Kaplan–Meier on counted lifetimes: by hand, and at its edges."""

from __future__ import annotations

import pyarrow as pa
import pytest

from orchestration.analysis.survival import kaplan_meier
from orchestration.analysis.survival_table import SCHEMA, survival_by_segment


def test_survival_by_hand() -> None:
    # Ten lives. Day 3: 2 of 10 end. Day 5: 1 is censored. Day 7: 1 of 7 ends. Day 9: 3 of 6 end.
    # Day 12: the last 3 are censored.
    curve = kaplan_meier([3, 5, 7, 9, 12], [True, False, True, True, False], [2, 1, 1, 3, 3])
    assert [(p.day, p.at_risk, p.churned) for p in curve.points] == [
        (0, 10, 0), (3, 10, 2), (7, 7, 1), (9, 6, 3), (12, 3, 0)
    ]  # fmt: skip
    expected = [1, 8 / 10, 8 / 10 * 6 / 7, 8 / 10 * 6 / 7 * 3 / 6, 8 / 10 * 6 / 7 * 3 / 6]
    assert [p.survival for p in curve.points] == pytest.approx(expected)
    assert curve.median_days == 9
    assert curve.survival_at(8) == pytest.approx(8 / 10 * 6 / 7)


@pytest.mark.parametrize("lives", [2, 4, 6, 10, 14, 22, 30, 100])
def test_the_median_is_where_just_a_half_is_left(lives: int) -> None:
    # One life ends each day: a half is left after half the days, whatever floating point says.
    days = list(range(1, lives + 1))
    assert kaplan_meier(days, [True] * lives, [1] * lives).median_days == lives // 2


def test_lives_that_all_go_on_have_no_median() -> None:
    curve = kaplan_meier([5], [False], [40])
    assert [(p.day, p.at_risk, p.churned, p.survival) for p in curve.points] == [
        (0, 40, 0, 1.0), (5, 40, 0, 1.0)
    ]  # fmt: skip
    assert (curve.median_days, curve.median_low, curve.median_high) == (None, None, None)


def test_counts_are_as_good_as_single_lives() -> None:
    counted = kaplan_meier([2, 4, 9], [True, True, False], [3, 2, 5])
    single = kaplan_meier([2] * 3 + [4] * 2 + [9] * 5, [True] * 5 + [False] * 5, [1] * 10)
    assert counted == single


def test_the_interval_is_greenwoods_on_the_log_log_scale() -> None:
    # Day 3 of the example above: S = 0.8, variance of log(-log S) = (2 / (10 * 8)) / log(0.8)^2.
    from math import exp, log, sqrt

    (_, third, *_) = kaplan_meier([3, 12], [True, False], [2, 8]).points
    spread = 1.959963984540054 * sqrt(2 / (10 * 8)) / abs(log(0.8))
    middle = log(-log(0.8))
    assert third.low == pytest.approx(exp(-exp(middle + spread)))
    assert third.high == pytest.approx(exp(-exp(middle - spread)))


@pytest.mark.parametrize(("days", "lifetimes"), [([], []), ([3], [0]), ([-1], [1]), ([3, 4], [1])])
def test_what_is_no_life_is_refused(days: list[int], lifetimes: list[int]) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        kaplan_meier(days, [True] * len(days), lifetimes)


def lifetimes(rows: list[tuple[str, str, int, bool, int]]) -> pa.Table:
    names = ["policy_id", "segment_value", "lifetime_days", "is_ended", "lifetimes"]
    return pa.Table.from_pylist(
        [{**dict(zip(names, row, strict=True)), "segment_type": "plan"} for row in rows]
    )


def test_every_group_has_its_own_curve() -> None:
    rows = [
        ("p", "Team", 3, True, 1),
        ("p", "Team", 5, False, 1),
        ("p", "Pro", 4, True, 2),
        ("q", "Team", 3, True, 1),
        ("q", "Team", 5, False, 1),
    ]
    table = survival_by_segment(lifetimes(rows))
    assert table.schema == SCHEMA
    found = [
        (r["policy_id"], r["segment_value"], r["day_of_life"], r["at_risk"], r["survival"])
        for r in table.to_pylist()
    ]
    assert found == [
        ("p", "Pro", 0, 2, 1.0), ("p", "Pro", 4, 2, 0.0),
        ("p", "Team", 0, 2, 1.0), ("p", "Team", 3, 2, 0.5), ("p", "Team", 5, 1, 0.5),
        ("q", "Team", 0, 2, 1.0), ("q", "Team", 3, 2, 0.5), ("q", "Team", 5, 1, 0.5),
    ]  # fmt: skip
    # The order of the rows means nothing.
    assert survival_by_segment(lifetimes(rows[::-1])) == table


def test_no_lifetimes_are_no_rows() -> None:
    empty = lifetimes([("p", "Team", 3, True, 1)]).slice(0, 0)
    table = survival_by_segment(empty)
    assert table.num_rows == 0
    assert table.schema == SCHEMA
