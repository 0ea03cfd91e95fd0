"""The survival of every group of a table: what the dbt model `int_survival_fitted` returns."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa

from orchestration.analysis.survival import SurvivalCurve, kaplan_meier

GROUP = ("policy_id", "segment_type", "segment_value")

SCHEMA = pa.schema(
    [(column, pa.string()) for column in GROUP]
    + [
        ("day_of_life", pa.int64()),
        ("customers", pa.int64()),
        ("at_risk", pa.int64()),
        ("churned", pa.int64()),
        ("survival", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("median_lifetime_days", pa.int64()),
        ("median_lifetime_days_low", pa.int64()),
        ("median_lifetime_days_high", pa.int64()),
    ]
)

Kinds = tuple[tuple[int, bool, int], ...]


def survival_by_segment(lifetimes: pa.Table) -> pa.Table:
    """Fit a curve per policy and segment.

    Args:
        lifetimes: columns policy_id, segment_type, segment_value, lifetime_days, is_ended and
            lifetimes (a count); one row per group, length and outcome, in any order.

    Returns:
        One row per group and point of its curve, with the columns of SCHEMA; none for no rows.
    """
    kinds: dict[tuple[str, ...], list[tuple[int, bool, int]]] = defaultdict(list)
    for row in lifetimes.to_pylist():
        group = tuple(str(row[column]) for column in GROUP)
        kinds[group].append(
            (int(row["lifetime_days"]), bool(row["is_ended"]), int(row["lifetimes"]))
        )
    # Policies that agree on the lifetimes, and segments that hold everyone, share a curve.
    curves: dict[Kinds, SurvivalCurve] = {}
    rows: list[dict[str, Any]] = []
    for group in sorted(kinds):
        same = tuple(sorted(kinds[group]))
        if same not in curves:
            curves[same] = kaplan_meier(*zip(*same, strict=True))
        rows += _rows(group, curves[same])
    return pa.Table.from_pylist(rows, SCHEMA)


def _rows(group: tuple[str, ...], curve: SurvivalCurve) -> list[dict[str, Any]]:
    return [
        {
            **dict(zip(GROUP, group, strict=True)),
            "day_of_life": point.day,
            "customers": curve.customers,
            "at_risk": point.at_risk,
            "churned": point.churned,
            "survival": point.survival,
            "low": point.low,
            "high": point.high,
            "median_lifetime_days": curve.median_days,
            "median_lifetime_days_low": curve.median_low,
            "median_lifetime_days_high": curve.median_high,
        }
        for point in curve.points
    ]
